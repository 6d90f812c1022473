#include "gateway/waking_bridge.hpp"

#include <utility>

namespace segue::gateway {
namespace {

using llm::EngineAnswer;
using llm::EngineCall;
using llm::Moment;
using llm::Outcome;
using llm::Output;

constexpr std::uint32_t kWake = 0xFFFFFFFF;  // no bridge counts its calls that far

class WakingBridge final : public llm::Bridge {
public:
    explicit WakingBridge(std::unique_ptr<llm::Bridge> behind) : behind_(std::move(behind)) {}

    Outcome<std::vector<EngineCall>> start(Moment, Output&) override {
        EngineCall call;
        call.id = kWake;
        call.path = "/wake_up";  // without tags: everything is woken
        return std::vector<EngineCall>{std::move(call)};
    }
    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t call, EngineAnswer answer, Moment now,
                                               Output& out) override {
        if (call != kWake) return behind_->on_answer(call, std::move(answer), now, out);
        // 404: it has no such route, so it cannot have been put to sleep by it either.
        if (answer.status >= 400 && answer.status != 404)
            return llm::refuse(llm::Failure::Cause::kEngineFailed, "the engine could not be woken",
                               503);
        return behind_->start(now, out);
    }
    void on_sent(std::uint32_t call, Moment now) override {
        if (call != kWake) behind_->on_sent(call, now);
    }
    void on_head(std::uint32_t call, const EngineAnswer& head, Moment now, Output& out) override {
        behind_->on_head(call, head, now, out);
    }
    void on_bytes(std::uint32_t call, std::string_view bytes, Moment now, Output& out) override {
        behind_->on_bytes(call, bytes, now, out);
    }
    void on_end(std::uint32_t call, Moment now, Output& out) override {
        behind_->on_end(call, now, out);
    }
    void on_broken(const llm::Failure& failure, Moment now, Output& out) override {
        behind_->on_broken(failure, now, out);
    }
    void keep_alive(Moment now, Output& out) override { behind_->keep_alive(now, out); }
    const llm::Declarations& declarations() const override { return behind_->declarations(); }
    const llm::Observation& observation() const override { return behind_->observation(); }

private:
    std::unique_ptr<llm::Bridge> behind_;
};

}  // namespace

std::unique_ptr<llm::Bridge> make_waking_bridge(std::unique_ptr<llm::Bridge> behind) {
    return std::make_unique<WakingBridge>(std::move(behind));
}

}  // namespace segue::gateway
