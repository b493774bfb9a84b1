// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "input.hpp"

#include "failure.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace tool {
namespace {

constexpr std::size_t read_size = 64 * 1024;

// Those the process does not ignore: what nohup or a shell's `&` made it ignore must stay ignored.
sigset_t stop_signals()
{
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action {};
        if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&set, signal);
    }
    return set;
}

} // namespace

StopSignals::StopSignals()
{
    const sigset_t set = stop_signals();
    fd_ = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd_ == -1)
        throw system_failure("signalfd");
    sigprocmask(SIG_BLOCK, &set, nullptr);
}

StopSignals::~StopSignals()
{
    const sigset_t set = stop_signals();
    close(fd_);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    if (accepted_ != 0)
        raise(accepted_);
}

void StopSignals::accept()
{
    signalfd_siginfo info{};
    if (::read(fd_, &info, sizeof(info)) == sizeof(info))
        accepted_ = static_cast<int>(info.ssi_signo);
}

LineInput::LineInput(const StopSignals &signals, std::size_t longest) : signals_(signals), longest_(longest) {}

// Waits for input. True if a signal asked to stop.
bool LineInput::wait_or_stop() const
{
    std::array<pollfd, 2> polled{{{STDIN_FILENO, POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}}};
    while (poll(polled.data(), polled.size(), -1) == -1) {
        if (errno != EINTR)
            throw system_failure("standard input");
    }
    return polled[1].revents != 0;
}

bool LineInput::ready() const
{
    std::array<pollfd, 2> polled{{{STDIN_FILENO, POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}}};
    return at_end_ || poll(polled.data(), polled.size(), 0) > 0;
}

LineInput::Event LineInput::read()
{
    if (at_end_)
        return Event::end;
    if (wait_or_stop())
        return Event::stopped;

    const std::size_t before = bytes_.size();
    bytes_.resize(before + read_size);
    const ssize_t count = ::read(STDIN_FILENO, bytes_.data() + before, read_size);
    bytes_.resize(before + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count == -1) {
        if (errno == EINTR || errno == EAGAIN)
            return Event::lines;
        throw system_failure("standard input");
    }

    for (std::size_t at = bytes_.find('\n', before); at != std::string::npos; at = bytes_.find('\n', at + 1))
        ends_.push_back(at);
    const std::size_t tail = bytes_.size() - byte_count();
    if (tail > longest_)
        throw Failure(
            fmt::format("standard input: a line is longer than {} bytes, all that the stream can hold", longest_));
    if (count == 0) {
        at_end_ = true;
        if (tail > 0) {
            ends_.push_back(bytes_.size());
            bytes_.push_back('\n');
        }
    }
    return Event::lines;
}

std::string_view LineInput::line(std::size_t n) const
{
    const std::size_t begin = n == 0 ? 0 : ends_[n - 1] + 1;
    return std::string_view(bytes_).substr(begin, ends_[n] - begin);
}

void LineInput::drop_lines()
{
    bytes_.erase(0, byte_count());
    ends_.clear();
}

} // namespace tool
