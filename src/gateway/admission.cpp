#include "gateway/admission.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace segue::gateway {
namespace {

constexpr std::int64_t kFirstGuess = 1'000'000'000;  // ns that a slot is held, before one was
constexpr double kNewShare = 0.1;                    // of the latest in means

int limit_of(const engine::AdmissionOptions& options, const AdaptiveLimit& adapting) {
    return options.limit == engine::AdmissionOptions::Limit::kAdaptive ? adapting.limit()
                                                                       : options.fixed;
}

bool is_adaptive(const engine::AdmissionOptions& options) {
    return options.limit == engine::AdmissionOptions::Limit::kAdaptive;
}

}  // namespace

Slot& Slot::operator=(Slot&& other) noexcept {
    std::swap(admission_, other.admission_);
    std::swap(key_, other.key_);
    std::swap(entered_, other.entered_);
    std::swap(charged_, other.charged_);
    return *this;
}

Slot::~Slot() {
    if (admission_) admission_->leave(*this, nullptr);
}

void Slot::on_first_event() {
    if (admission_) admission_->on_first_event(*this);
}

void Slot::leave(const SlotOutcome& outcome) {
    if (const auto admission = std::exchange(admission_, nullptr))
        admission->leave(*this, &outcome);
}

Place& Place::operator=(Place&& other) noexcept {
    std::swap(admission_, other.admission_);
    std::swap(ticket_, other.ticket_);
    return *this;
}

Place::~Place() {
    if (!admission_) return;
    std::optional<std::variant<Slot, Ended>> unused;  // a slot goes back outside the lock
    const std::lock_guard lock(admission_->mutex_);
    const auto waiter = admission_->waiters_.find(ticket_);
    if (waiter == admission_->waiters_.end()) return;
    if (waiter->second.result)
        unused = std::move(waiter->second.result);
    else if (admission_->queue_.erase(ticket_))
        admission_->waiting_.fetch_sub(1);
    admission_->waiters_.erase(waiter);
}

std::optional<std::variant<Slot, Place::Ended>> Place::take() {
    SEGUE_ASSERT(admission_);
    const std::lock_guard lock(admission_->mutex_);
    const auto waiter = admission_->waiters_.find(ticket_);
    if (waiter == admission_->waiters_.end() || !waiter->second.result) return std::nullopt;
    auto result = std::move(waiter->second.result);
    admission_->waiters_.erase(waiter);
    return result;
}

Admission::Admission(const engine::AdmissionOptions& options, const Clock& clock)
    : clock_(clock),
      limit_(1),
      held_ns_(kFirstGuess),
      adaptive_(is_adaptive(options)),
      spill_(options.spill),
      options_(options),
      adapting_({options.least, options.most}),
      queue_(options.queue) {
    limit_.store(limit_of(options_, adapting_));
}

bool Admission::acquire() {
    std::int64_t now = in_flight_.load();
    while (now < limit_.load())
        if (in_flight_.compare_exchange_weak(now, now + 1)) return true;
    return false;
}

Slot Admission::slot(std::string_view key, double charged) {
    Slot made;
    made.admission_ = shared_from_this();
    made.key_ = key;
    made.entered_ = clock_.now();
    made.charged_ = charged;
    return made;
}

std::optional<Slot> Admission::try_enter(std::string_view key) {
    // Nobody overtakes those who wait.
    if (waiting_.load() > 0 || !acquire()) return std::nullopt;
    return slot(key, 0);
}

std::variant<Slot, Place, Admission::Full> Admission::enter_or_wait(std::string_view key,
                                                                    Priority priority,
                                                                    std::function<void()> wake) {
    if (auto entered = try_enter(key)) return std::move(*entered);
    Wakes wakes;
    std::optional<Place> place;
    {
        const std::lock_guard lock(mutex_);
        const FairQueue::Ticket ticket = next_ticket_++;
        const auto pushed = queue_.push(
            {ticket, std::string(key), priority, clock_.now() + Duration(options_.longest_wait)});
        if (pushed.pushed == FairQueue::Pushed::kQueued) {
            // Counted before the last look at the room (grant), as release() gives room before it
            // looks at the count: one of the two sees the other. Both are sequentially consistent.
            waiting_.fetch_add(1);
            waiters_.emplace(ticket, Waiter{std::string(key), std::move(wake), std::nullopt});
            if (pushed.displaced) {
                waiting_.fetch_sub(1);
                end(*pushed.displaced, Place::Ended::kDisplaced, wakes);
            }
            place = Place(shared_from_this(), ticket);
            grant(wakes);
        }
    }
    for (const auto& call : wakes)
        call();
    if (!place) return Full{expected_wait()};
    return std::move(*place);
}

/// With the lock held: whoever is next gets what room there is.
void Admission::grant(Wakes& wakes) {
    while (queue_.size() > 0 && acquire()) {
        const auto popped = queue_.pop(mean_cost_, clock_.now());
        waiting_.fetch_sub(popped.expired.size() + (popped.next ? 1 : 0));
        for (const auto ticket : popped.expired)
            end(ticket, Place::Ended::kExpired, wakes);
        if (!popped.next) {
            in_flight_.fetch_sub(1);
            return;
        }
        Waiter& waiter = waiters_.at(*popped.next);
        waiter.result.emplace(slot(waiter.key, mean_cost_));
        wakes.push_back(std::move(waiter.wake));
    }
}

void Admission::end(FairQueue::Ticket ticket, Place::Ended why, Wakes& wakes) {
    Waiter& waiter = waiters_.at(ticket);
    waiter.result.emplace(why);
    wakes.push_back(std::move(waiter.wake));
}

void Admission::let_in() {
    Wakes wakes;
    {
        const std::lock_guard lock(mutex_);
        grant(wakes);
    }
    for (const auto& call : wakes)
        call();
}

/// `outcome` null: nobody knows how it went.
void Admission::leave(const Slot& slot, const SlotOutcome* outcome) {
    in_flight_.fetch_sub(1);
    if (outcome) {
        const auto held = Duration(clock_.now() - slot.entered_).count();
        // Two workers at once may lose one of two samples of a mean: no harm.
        const auto mean = held_ns_.load(std::memory_order_relaxed);
        held_ns_.store(
            mean + static_cast<std::int64_t>(static_cast<double>(held - mean) * kNewShare),
            std::memory_order_relaxed);
    }
    const bool overloaded =
        outcome && outcome->overloaded && adaptive_.load(std::memory_order_relaxed);
    if (waiting_.load() == 0 && !overloaded) return;
    Wakes wakes;
    {
        const std::lock_guard lock(mutex_);
        if (outcome) learn(slot, *outcome);
        grant(wakes);
    }
    for (const auto& call : wakes)
        call();
}

void Admission::learn(const Slot& slot, const SlotOutcome& outcome) {
    if (outcome.cost > 0) mean_cost_ += (outcome.cost - mean_cost_) * kNewShare;
    queue_.charge(slot.key_, outcome.cost - slot.charged_);
    if (!outcome.overloaded || !is_adaptive(options_)) return;
    adapting_.on_overload(clock_.now());
    limit_.store(adapting_.limit());
}

void Admission::on_first_event(const Slot& slot) {
    if (!adaptive_.load(std::memory_order_relaxed)) return;
    Wakes wakes;
    {
        const std::lock_guard lock(mutex_);
        adapting_.on_first_event(slot.entered_, in_flight_.load(), clock_.now());
        if (!is_adaptive(options_)) return;
        limit_.store(adapting_.limit());
        grant(wakes);
    }
    for (const auto& call : wakes)
        call();
}

void Admission::set_options(const engine::AdmissionOptions& options) {
    {
        const std::lock_guard lock(mutex_);
        if (options.least != options_.least || options.most != options_.most)
            adapting_ = AdaptiveLimit({options.least, options.most});
        options_ = options;
        queue_.set_capacity(options.queue);
        adaptive_.store(is_adaptive(options));
        spill_.store(options.spill);
        limit_.store(limit_of(options_, adapting_));
    }
    let_in();
}

Duration Admission::longest_wait() const {
    const std::lock_guard lock(mutex_);
    return options_.longest_wait;
}

Duration Admission::expected_wait() const {
    const auto before = static_cast<double>(waiting_.load() + 1);
    return Duration(static_cast<Duration::rep>(
        before * static_cast<double>(held_ns_.load(std::memory_order_relaxed)) /
        std::max(limit_.load(), 1)));
}

Admission::State Admission::state() const {
    const std::lock_guard lock(mutex_);
    State state;
    state.adaptive = is_adaptive(options_);
    state.limit = limit_.load();
    state.in_flight = in_flight_.load();
    state.interactive = queue_.size(Priority::kInteractive);
    state.batch = queue_.size(Priority::kBatch);
    state.capacity = options_.queue;
    if (state.adaptive) state.baseline = adapting_.baseline();
    return state;
}

std::shared_ptr<const AdmissionTable> AdmissionTable::make(
    const std::vector<engine::EngineConfig>& engines, const AdmissionTable* before,
    const Clock& clock) {
    auto table = std::make_shared<AdmissionTable>();
    for (const auto& engine : engines) {
        if (engine.admission.limit == engine::AdmissionOptions::Limit::kOff) continue;
        std::shared_ptr<Admission> door = before ? before->find(engine.name) : nullptr;
        if (door)
            door->set_options(engine.admission);
        else
            door = std::make_shared<Admission>(engine.admission, clock);
        table->doors_.emplace_back(engine.name, std::move(door));
    }
    if (table->doors_.empty()) return nullptr;
    return table;
}

const std::shared_ptr<Admission>& AdmissionTable::find(std::string_view engine) const {
    static const std::shared_ptr<Admission> none;
    for (const auto& [name, door] : doors_)
        if (name == engine) return door;
    return none;
}

}  // namespace segue::gateway
