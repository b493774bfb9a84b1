// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/program.hpp"

#include <cstring>

namespace explorer {

std::optional<std::string> why_not_a_program(const std::string &text)
{
    for (const char letter : text)
        if (letter == '\0' || std::strchr(alphabet, letter) == nullptr)
            return std::string("there is no operation '") + letter + "'; there are " + alphabet;
    return std::nullopt;
}

std::string describe(Operation operation)
{
    switch (operation) {
    case Operation::append:
        return "append 8 bytes to the oldest region";
    case Operation::append_other:
        return "append 20 bytes to the newest region";
    case Operation::fill:
        return "append what fills the oldest region exactly";
    case Operation::append_async:
        return "append 8 bytes to the oldest region asynchronously";
    case Operation::reserve:
        return "reserve 16 bytes in the newest region";
    case Operation::publish_oldest:
        return "publish the oldest reservation";
    case Operation::publish_newest:
        return "publish 8 bytes of the newest reservation";
    case Operation::publish_async:
        return "publish the oldest reservation asynchronously";
    case Operation::abort:
        return "abort the oldest reservation";
    case Operation::wait:
        return "wait until everything is persisted";
    case Operation::allocate:
        return "allocate a region";
    case Operation::free:
        return "free the oldest region";
    case Operation::close_and_open:
        return "close, open again";
    case Operation::kill_and_open:
        return "kill -9, open again";
    case Operation::grow:
        return "grow the stream by 256 bytes";
    case Operation::fail_sync:
        return "append 8 bytes to the oldest region, and the sync fails";
    }
    return {};
}

std::uint64_t number_of_programs(std::size_t length)
{
    std::uint64_t number = 1;
    for (std::size_t i = 0; i < length; ++i)
        number *= std::strlen(alphabet);
    return number;
}

Program nth_program(std::size_t length, std::uint64_t n)
{
    const std::uint64_t letters = std::strlen(alphabet);
    Program program(length, ' ');
    for (std::size_t i = length; i-- > 0; n /= letters)
        program[i] = alphabet[n % letters];
    return program;
}

Program random_program(std::size_t length, std::mt19937_64 &random)
{
    return nth_program(length, random() % number_of_programs(length));
}

} // namespace explorer
