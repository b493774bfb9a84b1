// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace pms {

TEST(Error, EachHasAnErrnoAndASentenceOfItsOwn)
{
    std::set<std::string> sentences;
    for (auto value = static_cast<int>(Error::none) + 1; value < static_cast<int>(Error::system); ++value) {
        const auto error = static_cast<Error>(value);
        EXPECT_NE(error_number(error), 0) << value;
        const std::string sentence = error_sentence(error);
        EXPECT_GT(sentence.size(), 10U) << value;
        EXPECT_TRUE(sentences.insert(sentence).second) << sentence;
    }
}

TEST(Error, OnlyNoneIsSuccess)
{
    EXPECT_FALSE(failed(Error::none));
    EXPECT_TRUE(failed(Error::system));
    EXPECT_EQ(error_number(Error::none), 0);
    EXPECT_STREQ(error_sentence(Error::none), "");
    EXPECT_EQ(error_number(Error::system), 0) << "the operating system's stands";
    EXPECT_STRNE(error_sentence(Error::system), "");
}

} // namespace pms
