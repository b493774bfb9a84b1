// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Random commands on a stream and its model, on each medium.

#include "cases.hpp"
#include "session.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <exception>
#include <iostream>

namespace model {

static void PrintTo(const MediumKind &kind, std::ostream *out)
{
    *out << kind.name;
}

namespace {

class Model : public testing::TestWithParam<MediumKind> {};

TEST_P(Model, agrees)
{
    std::uint64_t cases_run = 0;
    std::uint64_t commands_run = 0;
    rc::detail::checkGTest([&] {
        const Case one = *cases();
        ++cases_run;
        commands_run += one.commands.size();
        try {
            Session(GetParam(), one).run();
        } catch (const std::exception &mismatch) {
            // A failure that does not come again when it is shrunk would be told without its reason.
            std::cout << "mismatch: " << mismatch.what() << '\n';
            throw;
        }
    });
    std::cout << "model on " << GetParam().name << ": " << cases_run << " cases, " << commands_run << " commands\n";
}

INSTANTIATE_TEST_SUITE_P(media, Model, testing::ValuesIn(media()),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace model
