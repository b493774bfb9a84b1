// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Any program of calls: the commands of tests/model, made of bytes, on a stream and its model, on the simulated medium.
//
// An input's first two bytes choose medium and stream; then each command takes seven.

#include "check.hpp"
#include "input.hpp"
#include "random.hpp"

#include "model/session.hpp"

#include <iostream>

namespace fuzz {
namespace {

// So many commands show what more of them would.
constexpr std::size_t max_commands = 100;
// The smaller ones of the model's streams: more runs in the same time.
constexpr unsigned streams = 4;

model::Fit fit_of(unsigned byte)
{
    switch (byte % 8) {
    case 5:
        return model::Fit::fills;
    case 6:
        return model::Fit::too_large;
    case 7:
        return model::Fit::larger;
    default:
        return model::Fit::plain;
    }
}

std::uint32_t size_of(unsigned byte, std::uint32_t number)
{
    switch (byte / 8 % 4) {
    case 0:
        return number % 65;
    case 1:
        return number % 3000;
    case 2:
        return number % 9000;
    default:
        return number;
    }
}

model::Command take_command(Input &input)
{
    model::Command command{};
    command.op = static_cast<model::Op>(input.byte() % (static_cast<unsigned>(model::Op::crash) + 1));
    command.where = input.byte();
    const std::uint8_t fit = input.byte();
    command.fit = fit_of(fit);
    command.size = size_of(fit, input.take<std::uint16_t>());
    command.how = input.byte();
    // No threads: what they do differs from run to run.
    if (command.op == model::Op::async_append && command.how / 2 % 5 == 3)
        command.how += 2;
    const std::uint8_t crash = input.byte();
    command.crash_at = crash < 192 ? 0 : crash % 16;
    return command;
}

void run(Input input)
{
    restart_random();
    const std::vector<model::MediumKind> media = model::media();
    const model::MediumKind medium = media[input.byte() % media.size()];
    model::Case one{.stream = input.byte() % streams, .seed = 1, .commands = {}};
    while (!input.done() && one.commands.size() < max_commands)
        one.commands.push_back(take_command(input));
    try {
        model::Session(medium, one).run();
    } catch (const model::Mismatch &mismatch) {
        std::cerr << "on " << medium.name << ", " << one;
        finding(mismatch.what());
    }
}

} // namespace
} // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    fuzz::run({data, size});
    return 0;
}
