#include "serve/api/pulse.hpp"

#include <utility>

namespace segue::serve::api {

class Pulse::Follower final : public Tail {
public:
    explicit Follower(Pulse& pulse) : pulse_(pulse) {
        const std::lock_guard lock(pulse_.mutex_);
        pulse_.followers_.push_back(this);
        pulse_.wake_.notify_all();
    }
    ~Follower() override {
        const std::lock_guard lock(pulse_.mutex_);
        std::erase(pulse_.followers_, this);
    }
    void on_ready(std::function<void()> wake) override {
        const std::lock_guard lock(pulse_.mutex_);
        ready_ = std::move(wake);
    }
    More read(std::size_t, std::string& out) override {
        const std::lock_guard lock(pulse_.mutex_);
        out += std::exchange(newest_, {});
        return More::kYes;
    }

private:
    friend class Pulse;
    Pulse& pulse_;
    std::string newest_;
    std::function<void()> ready_;
};

Pulse::Pulse(std::function<std::string()> make, std::chrono::milliseconds every)
    : make_(std::move(make)), every_(every) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Pulse::~Pulse() {
    thread_.request_stop();
    thread_ = {};
}

std::unique_ptr<Tail> Pulse::follow() {
    return std::make_unique<Follower>(*this);
}

std::size_t Pulse::followers() const {
    const std::lock_guard lock(mutex_);
    return followers_.size();
}

void Pulse::run(const std::stop_token& stop) {
    while (true) {
        {
            std::unique_lock lock(mutex_);
            if (!wake_.wait(lock, stop, [this] { return !followers_.empty(); })) return;
        }
        const std::string text = make_();
        std::unique_lock lock(mutex_);
        if (!text.empty())
            for (Follower* follower : followers_) {
                follower->newest_ = text;
                if (follower->ready_) follower->ready_();
            }
        wake_.wait_for(lock, stop, every_, [] { return false; });
        if (stop.stop_requested()) return;
    }
}

}  // namespace segue::serve::api
