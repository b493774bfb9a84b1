// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "libminiasync/data_mover_threads.h"

#include "enum_value.hpp"
#include "operation_queue.hpp"
#include "thread_operation.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <new>
#include <pthread.h>
#include <system_error>
#include <thread>
#include <vector>

using namespace miniasync;

namespace {

// More threads than this do not copy faster: a few saturate the memory.
constexpr unsigned default_threads_max = 8;
constexpr std::size_t default_ring_size = 128;

// An application's signal handlers must not run in threads that it does not know of.
class SignalsBlocked {
public:
    SignalsBlocked() noexcept
    {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &saved_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked &operator=(const SignalsBlocked &) = delete;

private:
    sigset_t saved_;
};

} // namespace

// The base gives op_new, which knows only the vdm, the way to the mover.
struct data_mover_threads : vdm {
    data_mover_threads(std::size_t ring_size, future_notifier_type notifier);
    ~data_mover_threads();
    data_mover_threads(const data_mover_threads &) = delete;
    data_mover_threads &operator=(const data_mover_threads &) = delete;

    void start_workers(std::size_t count);

    // An operation that the mover owns, or nullptr.
    ThreadOperation *create() noexcept;
    // False if the queue is full.
    bool start(ThreadOperation &operation, const vdm_operation &what, future_notifier *notifier) noexcept;
    vdm_operation_result end(ThreadOperation &operation) noexcept;

    // Release when set, acquire when an operation starts: what the application prepared for its function comes before
    // the function is called. An operation keeps the functions it was started with. The queue's mutex hands them on to
    // the worker.
    std::atomic<data_mover_threads_memcpy_fn> memcpy_fn{nullptr};
    std::atomic<data_mover_threads_memmove_fn> memmove_fn{nullptr};
    std::atomic<data_mover_threads_memset_fn> memset_fn{nullptr};

private:
    void work() noexcept;
    void unlink(ThreadOperation &operation) noexcept;

    const future_notifier_type notifier_type_;

    std::mutex mutex_; // guards what follows
    std::condition_variable work_available_;
    std::condition_variable operation_released_;
    OperationQueue queue_;
    ThreadOperation *operations_ = nullptr; // all that live, so that those of dropped futures are freed with the mover
    std::size_t enders_waiting_ = 0;
    bool stopping_ = false;

    std::vector<std::thread> workers_;
};

namespace {

void *threads_operation_new(vdm *interface, vdm_operation_type)
{
    return static_cast<data_mover_threads *>(interface)->create();
}

int threads_operation_start(void *data, const vdm_operation *what, future_notifier *notifier)
{
    auto *operation = static_cast<ThreadOperation *>(data);
    return operation->mover.start(*operation, *what, notifier) ? 0 : 1;
}

future_state threads_operation_check(void *data, const vdm_operation *)
{
    return static_cast<ThreadOperation *>(data)->is_done() ? FUTURE_STATE_COMPLETE : FUTURE_STATE_RUNNING;
}

void threads_operation_delete(void *data, const vdm_operation *what, vdm_operation_output *output)
{
    auto *operation = static_cast<ThreadOperation *>(data);
    report_operation(*what, operation->mover.end(*operation), output);
}

int threads_has_property(void *, future_property property)
{
    return property == FUTURE_PROPERTY_ASYNC ? 1 : 0;
}

} // namespace

data_mover_threads::data_mover_threads(std::size_t ring_size, future_notifier_type notifier)
    : vdm{}, notifier_type_(notifier), queue_(ring_size)
{
    op_new = threads_operation_new;
    op_delete = threads_operation_delete;
    op_start = threads_operation_start;
    op_check = threads_operation_check;
    capabilities = operation_capabilities();
    has_property = threads_has_property;
}

data_mover_threads::~data_mover_threads()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    work_available_.notify_all();
    for (std::thread &worker : workers_) {
        worker.join();
    }
    while (operations_) {
        ThreadOperation *operation = operations_;
        operations_ = operation->next;
        delete operation;
    }
}

void data_mover_threads::start_workers(std::size_t count)
{
    const SignalsBlocked blocked;

    workers_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        workers_.emplace_back([this] { work(); });
        pthread_setname_np(workers_.back().native_handle(), "miniasync");
    }
}

void data_mover_threads::work() noexcept
{
    std::unique_lock lock(mutex_);

    for (;;) {
        work_available_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) {
            return;
        }
        ThreadOperation *operation = queue_.pop();
        lock.unlock();
        operation->execute();
        lock.lock();
        // The state changed without the mutex. Whoever waits in end() looked at it with the mutex held: either it saw
        // the change, or it was counted before this lock was taken.
        if (enders_waiting_ > 0) {
            operation_released_.notify_all();
        }
    }
}

ThreadOperation *data_mover_threads::create() noexcept
{
    auto *operation = new (std::nothrow) ThreadOperation(*this);

    if (operation) {
        const std::lock_guard lock(mutex_);
        operation->next = operations_;
        if (operations_) {
            operations_->previous = operation;
        }
        operations_ = operation;
    }
    return operation;
}

bool data_mover_threads::start(ThreadOperation &operation, const vdm_operation &what,
                               future_notifier *notifier) noexcept
{
    future_notifier_type used = notifier ? notifier_type_ : FUTURE_NOTIFIER_NONE;

    if (used == FUTURE_NOTIFIER_WAKER && !notifier->waker.wake) {
        used = FUTURE_NOTIFIER_NONE;
    }
    operation.prepare(what, {memcpy_fn.load(std::memory_order_acquire), memmove_fn.load(std::memory_order_acquire),
                             memset_fn.load(std::memory_order_acquire)});
    operation.set_waker(used == FUTURE_NOTIFIER_WAKER ? &notifier->waker : nullptr);

    bool queued = false;
    {
        const std::lock_guard lock(mutex_);
        queued = queue_.push(&operation);
        operation.started = queued;
    }
    // From here on a worker may be done with the operation, and its future polled to the end by the waker.
    if (queued) {
        work_available_.notify_one();
    } else {
        used = FUTURE_NOTIFIER_NONE;
    }
    if (notifier) {
        notifier->notifier_used = used;
        notifier->poller.ptr_to_monitor = used == FUTURE_NOTIFIER_POLLER ? operation.completion_word() : nullptr;
    }
    return queued;
}

vdm_operation_result data_mover_threads::end(ThreadOperation &operation) noexcept
{
    std::unique_lock lock(mutex_);

    if (operation.is_waking_here()) {
        unlink(operation);
        operation.free_after_waker();
        return operation.result();
    }
    if (operation.started && !operation.is_released() && !queue_.remove(&operation)) {
        ++enders_waiting_;
        operation_released_.wait(lock, [&operation] { return operation.is_released(); });
        --enders_waiting_;
    }
    unlink(operation);
    lock.unlock();

    const vdm_operation_result result = operation.result();
    delete &operation;
    return result;
}

void data_mover_threads::unlink(ThreadOperation &operation) noexcept
{
    if (operation.previous) {
        operation.previous->next = operation.next;
    } else {
        operations_ = operation.next;
    }
    if (operation.next) {
        operation.next->previous = operation.previous;
    }
}

extern "C" {

data_mover_threads *data_mover_threads_new(size_t nthreads, size_t ringbuf_size, future_notifier_type desired_notifier)
{
    if (nthreads == 0 || ringbuf_size == 0 || enum_value(desired_notifier) > FUTURE_NOTIFIER_POLLER) {
        errno = EINVAL;
        return nullptr;
    }
    try {
        auto mover = std::make_unique<data_mover_threads>(ringbuf_size, desired_notifier);
        mover->start_workers(nthreads);
        return mover.release();
    } catch (const std::system_error &) {
        errno = EAGAIN;
    } catch (const std::exception &) {
        errno = ENOMEM; // std::bad_alloc, or std::length_error: more elements than there can be memory for
    }
    return nullptr;
}

data_mover_threads *data_mover_threads_default(void)
{
    const unsigned processors = std::thread::hardware_concurrency(); // 0 if unknown
    return data_mover_threads_new(std::clamp(processors, 1U, default_threads_max), default_ring_size,
                                  FUTURE_NOTIFIER_WAKER);
}

vdm *data_mover_threads_get_vdm(data_mover_threads *mover)
{
    return mover;
}

void data_mover_threads_set_memcpy_fn(data_mover_threads *mover, data_mover_threads_memcpy_fn fn)
{
    mover->memcpy_fn.store(fn, std::memory_order_release);
}

void data_mover_threads_set_memmove_fn(data_mover_threads *mover, data_mover_threads_memmove_fn fn)
{
    mover->memmove_fn.store(fn, std::memory_order_release);
}

void data_mover_threads_set_memset_fn(data_mover_threads *mover, data_mover_threads_memset_fn fn)
{
    mover->memset_fn.store(fn, std::memory_order_release);
}

void data_mover_threads_delete(data_mover_threads *mover)
{
    delete mover;
}
}
