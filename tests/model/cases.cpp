// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "cases.hpp"

namespace model {
namespace {

rc::Gen<std::uint32_t> up_to(std::uint32_t most)
{
    return rc::gen::inRange<std::uint32_t>(0, most + 1);
}

rc::Gen<std::uint32_t> entry_sizes()
{
    return rc::gen::weightedOneOf<std::uint32_t>(
        {{6, up_to(64)}, {4, up_to(3000)}, {1, up_to(9000)}, {1, up_to(90000)}});
}

rc::Gen<std::uint32_t> region_sizes()
{
    return rc::gen::weightedOneOf<std::uint32_t>({{1, up_to(300)}, {3, up_to(9000)}, {3, up_to(300000)}});
}

rc::Gen<Op> ops()
{
    return rc::gen::weightedElement<Op>({{5, Op::allocate},
                                         {2, Op::free},
                                         {14, Op::append},
                                         {14, Op::async_append},
                                         {2, Op::wait_committed},
                                         {4, Op::wait_persisted},
                                         {10, Op::reserve},
                                         {7, Op::publish},
                                         {6, Op::async_publish},
                                         {3, Op::abort},
                                         {2, Op::release_copies},
                                         {2, Op::bad_calls},
                                         {3, Op::wild_calls},
                                         {2, Op::reopen},
                                         {6, Op::crash}});
}

rc::Gen<Command> commands()
{
    return rc::gen::mapcat(ops(), [](Op op) {
        const auto sizes = op == Op::allocate ? region_sizes() : entry_sizes();
        const auto fit =
            rc::gen::weightedElement<Fit>({{20, Fit::plain}, {2, Fit::fills}, {1, Fit::too_large}, {4, Fit::larger}});
        // What changes words in place, or takes several fences, is worth more crashes.
        const bool delicate = op == Op::publish || op == Op::async_publish || op == Op::allocate || op == Op::free;
        const auto crash_at = rc::gen::weightedOneOf<std::uint32_t>({{10, rc::gen::just<std::uint32_t>(0)},
                                                                     {1, rc::gen::inRange<std::uint32_t>(1, 8)},
                                                                     {delicate ? 8 : 0, rc::gen::element(1U, 2U, 3U)}});
        return rc::gen::construct<Command>(rc::gen::just(op), up_to(15), fit, sizes, up_to(255), crash_at);
    });
}

} // namespace

rc::Gen<Case> cases()
{
    return rc::gen::construct<Case>(up_to(15), up_to(1U << 30), rc::gen::container<std::vector<Command>>(commands()));
}

} // namespace model
