#include "base/crew.hpp"

#include <utility>

namespace segue {

Crew::Crew(Options options) : limit_(options.queue) {
    threads_.reserve(options.threads);
    for (std::size_t i = 0; i < options.threads; ++i)
        threads_.emplace_back([this] { run(); });
}

Crew::~Crew() {
    stop();
}

bool Crew::submit(std::function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_ || tasks_.size() >= limit_) {
            refused_.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
        tasks_.push_back(std::move(task));
    }
    ready_.notify_one();
    return true;
}

std::size_t Crew::waiting() const {
    const std::lock_guard lock(mutex_);
    return tasks_.size();
}

void Crew::stop() {
    std::deque<std::function<void()>> dropped;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        dropped.swap(tasks_);
    }
    ready_.notify_all();
    threads_.clear();  // joins
}

void Crew::run() {
    while (true) {
        std::function<void()> task;
        {
            std::unique_lock lock(mutex_);
            ready_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
            if (stopped_) return;
            task = std::move(tasks_.front());
            tasks_.pop_front();
        }
        task();
    }
}

}  // namespace segue
