// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "command.hpp"

#include <ostream>

namespace model {
namespace {

const char *name_of(Op op)
{
    switch (op) {
    case Op::allocate:
        return "allocate";
    case Op::free:
        return "free";
    case Op::append:
        return "append";
    case Op::async_append:
        return "async_append";
    case Op::wait_committed:
        return "wait_committed";
    case Op::wait_persisted:
        return "wait_persisted";
    case Op::reserve:
        return "reserve";
    case Op::publish:
        return "publish";
    case Op::async_publish:
        return "async_publish";
    case Op::abort:
        return "abort";
    case Op::release_copies:
        return "release_copies";
    case Op::bad_calls:
        return "bad_calls";
    case Op::wild_calls:
        return "wild_calls";
    case Op::reopen:
        return "reopen";
    case Op::crash:
        break;
    }
    return "crash";
}

const char *name_of(Fit fit)
{
    switch (fit) {
    case Fit::plain:
        return "";
    case Fit::fills:
        return " fills";
    case Fit::too_large:
        return " too_large";
    case Fit::larger:
        break;
    }
    return " larger";
}

} // namespace

std::ostream &operator<<(std::ostream &out, const Command &command)
{
    out << name_of(command.op) << "(where " << command.where << name_of(command.fit) << " size " << command.size
        << " how " << command.how;
    if (command.crash_at != 0)
        out << " crash_at " << command.crash_at;
    return out << ")";
}

std::ostream &operator<<(std::ostream &out, const Case &one)
{
    out << "stream " << one.stream << ", seed " << one.seed;
    for (const Command &command : one.commands)
        out << "\n  " << command;
    return out << "\n";
}

} // namespace model
