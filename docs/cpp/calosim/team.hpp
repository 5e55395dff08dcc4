// Showers on several cores, for programs that bring no threads of their own.
#pragma once

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "calosim/generator.hpp"

namespace calosim {

/// Cores that this process may use.
inline int usable_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

/// Threads that wait for showers to make.  Calls from several threads take turns.
class Team {
public:
    Team(const Generator& generator, int threads) : generator_(generator) {
        if (threads < 1 || threads > usable_cores()) {
            fail("threads: found ", threads, ", expected 1 to ", usable_cores(), ", the cores of this process");
        }
        for (int i = 0; i < threads; ++i) spaces_.emplace_back(generator);
        // the thread that calls works too, in the first space
        for (auto space = spaces_.begin() + 1; space != spaces_.end(); ++space) {
            threads_.emplace_back([this, space] { wait_for_work(*space); });
        }
    }

    ~Team() {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        begin_.notify_all();
        for (std::thread& thread : threads_) thread.join();
    }
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    /// As Generator::generate; the showers are the same for any number of threads.
    void generate(const Particle* particles, std::size_t n, std::uint64_t seed, std::uint64_t first_shower,
                  Shower* showers) {
        const std::lock_guard turn(turn_);
        {
            const std::lock_guard lock(mutex_);
            work_ = {particles, n, seed, first_shower, showers};
            next_ = 0;
            problem_ = nullptr;
            busy_ = threads_.size();
            ++round_;
        }
        begin_.notify_all();
        share(spaces_[0]);
        std::unique_lock lock(mutex_);
        end_.wait(lock, [this] { return busy_ == 0; });
        if (problem_) std::rethrow_exception(problem_);
    }

private:
    struct Work {
        const Particle* particles;
        std::size_t n;
        std::uint64_t seed, first_shower;
        Shower* showers;
    };

    void wait_for_work(Generator::Workspace& space) {
        for (std::uint64_t seen = 0;;) {
            {
                std::unique_lock lock(mutex_);
                begin_.wait(lock, [&] { return over_ || round_ != seen; });
                if (over_) return;
                seen = round_;
            }
            share(space);
            const std::lock_guard lock(mutex_);
            if (--busy_ == 0) end_.notify_one();
        }
    }

    /// Takes call after call until none is left.  Their size depends on nothing, so neither do the showers.
    void share(Generator::Workspace& space) {
        const std::size_t size = generator_.options().largest_call;
        try {
            for (std::size_t first; (first = next_.fetch_add(size)) < work_.n;) {
                generator_.generate(work_.particles + first, std::min(size, work_.n - first), work_.seed,
                                    work_.first_shower + first, space, work_.showers + first);
            }
        } catch (...) {
            const std::lock_guard lock(mutex_);
            if (!problem_) problem_ = std::current_exception();
            next_ = work_.n;
        }
    }

    const Generator& generator_;
    std::vector<Generator::Workspace> spaces_;
    std::vector<std::thread> threads_;
    std::mutex turn_, mutex_;
    std::condition_variable begin_, end_;
    Work work_{};
    std::atomic<std::size_t> next_{0};
    std::exception_ptr problem_;
    std::size_t busy_ = 0;
    std::uint64_t round_ = 0;
    bool over_ = false;
};

}  // namespace calosim
