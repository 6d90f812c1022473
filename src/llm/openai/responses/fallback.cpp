#include "llm/openai/responses/fallback.hpp"

#include <utility>

#include "base/json.hpp"
#include "base/result.hpp"

namespace segue::llm::openai {
namespace {

/// Calls of the second bridge are numbered from here: ids are unique within a bridge.
constexpr std::uint32_t kSecondCalls = 1U << 20;

/// `{"detail":"Not Found"}`, the same in an error object (newer vLLM), or a server's plain page; an
/// unknown model is named in words of its own (wire 2.2).
bool route_missing(const EngineAnswer& answer) {
    if (answer.status != 404) return false;
    json::Parser parser;
    const auto root = parser.parse(answer.body);
    if (!root || !root->is_object()) return true;
    const json::Value error = (*root)["error"];
    if (error.is_object()) return error["message"].string() == "Not Found";
    return !(*root)["detail"].absent();
}

class FallbackBridge final : public Bridge {
public:
    FallbackBridge(std::unique_ptr<Bridge> first, std::shared_ptr<EngineTraits> traits,
                   std::function<Outcome<std::unique_ptr<Bridge>>()> second)
        : now_(std::move(first)), traits_(std::move(traits)), second_(std::move(second)) {}

    Outcome<std::vector<EngineCall>> start(Moment now, Output& out) override {
        return now_->start(now, out);
    }
    void on_sent(std::uint32_t call, Moment now) override { now_->on_sent(call - base_, now); }

    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t call, EngineAnswer answer, Moment now,
                                               Output& out) override {
        if (base_ == 0 && out.state == Output::State::kPending && route_missing(answer)) {
            traits_->responses_api = EngineTraits::Tri::kNo;
            SEGUE_TRY(next, second_());
            now_ = std::move(next);
            base_ = kSecondCalls;
            return moved(now_->start(now, out));
        }
        const std::size_t cancelled = out.cancel.size();
        auto calls = now_->on_answer(call - base_, std::move(answer), now, out);
        move_cancelled(cancelled, out);
        return moved(std::move(calls));
    }

    void on_head(std::uint32_t call, const EngineAnswer& head, Moment now, Output& out) override {
        now_->on_head(call - base_, head, now, out);
    }
    void on_bytes(std::uint32_t call, std::string_view bytes, Moment now, Output& out) override {
        const std::size_t cancelled = out.cancel.size();
        now_->on_bytes(call - base_, bytes, now, out);
        move_cancelled(cancelled, out);
    }
    void on_end(std::uint32_t call, Moment now, Output& out) override {
        now_->on_end(call - base_, now, out);
    }
    void on_broken(const Failure& failure, Moment now, Output& out) override {
        now_->on_broken(failure, now, out);
    }
    void keep_alive(Moment now, Output& out) override { now_->keep_alive(now, out); }
    const Declarations& declarations() const override { return now_->declarations(); }
    const Observation& observation() const override { return now_->observation(); }

private:
    Outcome<std::vector<EngineCall>> moved(Outcome<std::vector<EngineCall>> calls) const {
        if (calls) {
            for (EngineCall& call : *calls)
                call.id += base_;
        }
        return calls;
    }
    void move_cancelled(std::size_t from, Output& out) const {
        for (std::size_t i = from; i < out.cancel.size(); ++i)
            out.cancel[i] += base_;
    }

    std::unique_ptr<Bridge> now_;
    std::shared_ptr<EngineTraits> traits_;
    std::function<Outcome<std::unique_ptr<Bridge>>()> second_;
    std::uint32_t base_ = 0;
};

}  // namespace

std::unique_ptr<Bridge> make_fallback_bridge(
    std::unique_ptr<Bridge> first, std::shared_ptr<EngineTraits> traits,
    std::function<Outcome<std::unique_ptr<Bridge>>()> second) {
    return std::make_unique<FallbackBridge>(std::move(first), std::move(traits), std::move(second));
}

}  // namespace segue::llm::openai
