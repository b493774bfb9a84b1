// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Runs the benchmarks for a moment: everything is measured, and the reports have all of it. Times are not looked at.

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace {

using Json = nlohmann::json;
using Names = std::set<std::string>;

std::string contents_of(const std::filesystem::path &path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

Names keys_of(const Json &object)
{
    Names names;
    for (const auto &item : object.items())
        names.insert(item.key());
    return names;
}

void expect_quartiles(const Json &value)
{
    EXPECT_LE(value.at("low"), value.at("median")) << value;
    EXPECT_LE(value.at("median"), value.at("high")) << value;
}

// What one run wrote; there is one for all tests.
class ShortRun : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "pmemstream-bench-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory = pattern;
        const std::string files = directory.string() + "/report.";
        const std::string command = BENCH_PROGRAM " --short --json " + files + "json --svg " + files +
                                    "svg --markdown " + files + "md >" + files + "out";
        ASSERT_EQ(std::system(command.c_str()), 0) << command;
        json = Json::parse(contents_of(files + "json"));
    }
    static void TearDownTestSuite() { std::filesystem::remove_all(directory); }

    static std::string report(const char *suffix) { return contents_of(directory / (std::string("report.") + suffix)); }

    static inline std::filesystem::path directory;
    static inline Json json;
};

TEST_F(ShortRun, TellsWhereAndHowItWasMeasured)
{
    EXPECT_EQ(keys_of(json), (Names{"machine", "medium", "disk", "effort", "clock_overhead_ns", "contenders", "wanted",
                                    "values", "ratios", "latencies"}));
    EXPECT_EQ(keys_of(json.at("machine")), (Names{"processor", "cores", "kernel", "date", "cores_used_by_others"}));
    EXPECT_EQ(keys_of(json.at("medium")), (Names{"directory", "stand_in", "description", "bytes_each"}));
    EXPECT_EQ(keys_of(json.at("disk")), (Names{"description", "bytes_each"}));
    EXPECT_EQ(keys_of(json.at("effort")), (Names{"rounds", "slice_ms"}));
    EXPECT_GT(json.at("clock_overhead_ns"), 0);
    for (const Json &contender : json.at("contenders"))
        EXPECT_EQ(keys_of(contender), (Names{"name", "settings"}));
    EXPECT_TRUE(json.at("medium").at("stand_in"));
}

TEST_F(ShortRun, MeasuresEveryWorkload)
{
    Names workloads;
    for (const Json &value : json.at("values")) {
        EXPECT_EQ(keys_of(value),
                  (Names{"workload", "size", "threads", "entries", "contender", "unit", "low", "median", "high"}));
        expect_quartiles(value);
        // Behind a clean close there is nothing to recover.
        EXPECT_TRUE(value.at("median") > 0 || value.at("unit") == "entries") << value;
        workloads.insert(value.at("workload"));
    }
    for (const Json &ratio : json.at("ratios")) {
        EXPECT_EQ(keys_of(ratio),
                  (Names{"workload", "size", "threads", "entries", "contender", "to", "low", "median", "high"}));
        expect_quartiles(ratio);
        EXPECT_GT(ratio.at("low"), 0) << ratio;
    }
    for (const Json &latency : json.at("latencies")) {
        EXPECT_EQ(keys_of(latency),
                  (Names{"workload", "size", "threads", "entries", "contender", "unit", "samples", "percentiles"}));
        EXPECT_GT(latency.at("samples"), 0);
        double before = 0;
        for (const char *name : {"50", "90", "99", "99.9", "max"}) {
            EXPECT_GE(latency.at("percentiles").at(name), before) << latency;
            before = latency.at("percentiles").at(name);
        }
        workloads.insert(latency.at("workload"));
    }
    EXPECT_EQ(workloads,
              (Names{"sync", "reserve", "async", "threads", "latency", "files", "iterate", "open", "space"}));
}

TEST_F(ShortRun, MeasuresWhatIsWanted)
{
    EXPECT_EQ(json.at("wanted").size(), 18);
    for (const Json &wanted : json.at("wanted")) {
        EXPECT_EQ(keys_of(wanted), (Names{"what", "relation", "bound", "unit", "measured", "alone"}));
        const std::string what = wanted.at("what");
#ifndef BENCH_WITH_LIBPMEMLOG
        if (what.starts_with("libpmemlog"))
            continue;
#endif
#ifndef BENCH_WITH_PEERS
        if (what.find("fastest other store") != std::string::npos)
            continue;
#endif
        ASSERT_TRUE(wanted.at("measured").is_object()) << what;
        expect_quartiles(wanted.at("measured"));
        if (wanted.at("unit") == "bytes") {
            EXPECT_EQ(wanted.at("measured").at("median"), wanted.at("bound")) << what;
        }
    }
}

TEST_F(ShortRun, RecoversWhatTheKilledWriterLeft)
{
    int seen = 0;
    for (const Json &value : json.at("values")) {
        if (value.at("contender") != "after kill -9, entries recovered")
            continue;
        ++seen;
        EXPECT_GT(value.at("high"), 0) << value;
    }
    EXPECT_EQ(seen, 2);
}

TEST_F(ShortRun, WritesTablesAndAPicture)
{
    EXPECT_EQ(report("md"), report("out"));
    std::size_t sections = 0;
    for (std::size_t at = 0; (at = report("md").find("\n### ", at)) != std::string::npos; ++at)
        ++sections;
    EXPECT_EQ(sections, 12);
    const std::string svg = report("svg");
    EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_EQ(svg.find("inf"), std::string::npos);
    for (const char *text : {"Latency", "Throughput", "Time per append", "stands in for persistent memory"})
        EXPECT_NE(svg.find(text), std::string::npos) << text;
}

} // namespace
