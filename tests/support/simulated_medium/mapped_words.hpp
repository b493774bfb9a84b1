// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The same memory mapped twice: to write, and to read only. What lies around it is a fault to touch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pms {

class MappedWords {
public:
    // Zeros. Throws std::system_error.
    explicit MappedWords(std::size_t count);
    ~MappedWords();
    MappedWords(const MappedWords &) = delete;
    MappedWords &operator=(const MappedWords &) = delete;

    const std::uint64_t *readable() const noexcept { return readable_; }
    std::uint64_t *writable() noexcept { return writable_; }
    std::span<const std::uint64_t> words() const noexcept { return {readable_, count_}; }

private:
    std::size_t count_;
    std::size_t bytes_;
    std::uint64_t *writable_;
    const std::uint64_t *readable_;
};

} // namespace pms
