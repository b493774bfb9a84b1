// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commands.hpp"
#include "failure.hpp"
#include "numbers.hpp"
#include "output.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>

#include <csignal>
#include <exception>
#include <map>

namespace {

using namespace tool;

// A descriptor of 0 to 2 that is closed would be given to the stream's file, and a message written into it.
void occupy_standard_descriptors()
{
    int fd = 0;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

template <typename Number>
void add_number(CLI::App *command, const std::string &option, Number &number, const std::string &metavariable,
                const std::string &kind, std::optional<std::uint64_t> (*parse)(std::string_view),
                const std::string &help)
{
    command
        ->add_option_function<std::string>(
            option,
            [&number, option, kind, parse](const std::string &text) {
                const auto value = parse(text);
                if (!value)
                    throw CLI::ValidationError(option, "not a " + kind + ": " + text);
                number = *value;
            },
            help)
        ->type_name(metavariable);
}

template <typename Options>
CLI::App *add_command(CLI::App &app, const std::string &name, Options &options, const char *help)
{
    CLI::App *command = app.add_subcommand(name, help);
    command->add_option("FILE", options.path, "The stream's file")->required()->type_name("");
    return command;
}

void add_durability(CLI::App *command, std::optional<pmemstream_durability> &durability)
{
    static const std::map<std::string, pmemstream_durability> names = {{"sync", PMEMSTREAM_DURABILITY_SYNC},
                                                                       {"process", PMEMSTREAM_DURABILITY_PROCESS}};
    command
        ->add_option("--durability", durability,
                     "What entries survive: sync, every crash; process, the end of the process but not a power cut. "
                     "Stays with the stream (a new one: sync)")
        ->transform(CLI::CheckedTransformer(names))
        ->type_name("sync|process")
        ->option_text("sync|process");
}

int run(int argc, char **argv)
{
    CLI::App app("Makes, fills, reads and checks streams of libpmemstream.\n"
                 "Exit codes: 0 fine, 1 damage found, 2 cannot open, or bad usage.",
                 "pmemstream");
    app.set_version_flag("--version", "pmemstream " PMEMSTREAM_VERSION);
    app.require_subcommand(1);

    const std::string region_help = "A region's number in the order of allocation, from 0. ";

    CreateOptions create_options;
    CLI::App *create_command = add_command(app, "create", create_options, "Make a stream in a new file");
    add_number(create_command, "--size", create_options.size, "SIZE", "size", parse_size,
               "Of the file, in bytes or with a suffix K, M, G, T (powers of 1024)");
    create_command->get_option("--size")->required();
    add_number(create_command, "--block-size", create_options.block_size, "SIZE", "size", parse_size,
               "A power of two and a multiple of 64 (default 4096)");

    add_durability(create_command, create_options.durability);

    GrowOptions grow_options;
    CLI::App *grow_command = add_command(app, "grow", grow_options, "Make a stream larger in place");
    add_number(grow_command, "--size", grow_options.size, "SIZE", "size", parse_size,
               "That the file is to have, in bytes or with a suffix K, M, G, T (powers of 1024)");
    grow_command->get_option("--size")->required();

    AppendOptions append_options;
    CLI::App *append_command =
        add_command(app, "append", append_options, "Append each line of standard input as an entry, durably");
    add_number(append_command, "--region", append_options.region, "N", "region number", parse_number,
               region_help + "Append there only (default: where there is room, in a new region if nowhere)");

    add_durability(append_command, append_options.durability);

    CatOptions cat_options;
    CLI::App *cat_command = add_command(app, "cat", cat_options, "Print the entries, one a line, oldest first");
    add_number(cat_command, "--region", cat_options.region, "N", "region number", parse_number,
               region_help + "Print its entries only (default: those of all)");
    add_number(cat_command, "--from", cat_options.from_timestamp, "TS", "timestamp", parse_number,
               "A timestamp: print the entries from this one on only");

    InfoOptions info_options;
    CLI::App *info_command = add_command(app, "info", info_options, "Describe the stream and its regions");
    info_command->add_flag("--json", info_options.json, "As JSON");

    VerifyOptions verify_options;
    CLI::App *verify_command = add_command(app, "verify", verify_options, "Check every checksum and name each damage");
    verify_command->add_flag("--json", verify_options.json, "As JSON");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? exit_fine : exit_failure;
    }

    if (create_command->parsed())
        return create(create_options);
    if (grow_command->parsed())
        return grow(grow_options);
    if (append_command->parsed())
        return append(append_options);
    if (cat_command->parsed())
        return cat(cat_options);
    if (info_command->parsed())
        return info(info_options);
    return verify(verify_options);
}

} // namespace

int main(int argc, char **argv)
{
    occupy_standard_descriptors();
    // A reader of standard output that went away is a matter of Output.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return run(argc, argv);
    } catch (const std::exception &error) {
        tool::complain(error.what());
        return tool::exit_failure;
    }
}
