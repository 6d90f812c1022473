#include "llm/ollama/front/instant_bridge.hpp"

#include <utility>

#include "base/json.hpp"

namespace segue::llm {
namespace {

void complete(std::string body, Output& out) {
    out.status = 200;
    out.content_type = std::string(kOllamaJson);
    out.bytes = std::move(body);
    out.state = Output::State::kDone;
}

class QuietBridge : public Bridge {
public:
    void on_bytes(std::uint32_t, std::string_view, Moment, Output&) override {}
    void on_end(std::uint32_t, Moment, Output&) override {}
    const Declarations& declarations() const override { return declarations_; }
    const Observation& observation() const override { return observation_; }

protected:
    Observation observation_;

private:
    Declarations declarations_;
};

class InstantBridge final : public QuietBridge {
public:
    explicit InstantBridge(std::string body) : body_(std::move(body)) {}
    Outcome<std::vector<EngineCall>> start(Moment now, Output& out) override {
        observation_.finished = now.at;
        complete(std::move(body_), out);
        return std::vector<EngineCall>{};
    }
    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t, EngineAnswer, Moment,
                                               Output&) override {
        return std::vector<EngineCall>{};
    }
    void on_broken(const Failure&, Moment, Output&) override {}

private:
    std::string body_;
};

class LoadBridge final : public QuietBridge {
public:
    LoadBridge(LoadForm form, BridgeContext context)
        : form_(std::move(form)), context_(std::move(context)) {}

    Outcome<std::vector<EngineCall>> start(Moment now, Output& out) override {
        if (!context_.target.profile->sleep_on_unload) return answer(now, out);
        if (form_.reason == FinishReason::kUnload)
            return one_call(kSleep, "POST", "/sleep?level=1");
        return one_call(kAsk, "GET", "/is_sleeping");
    }

    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t call, EngineAnswer reply, Moment now,
                                               Output& out) override {
        if (call == kAsk && reply.status == 200) {
            json::Parser parser;
            const auto body = parser.parse(reply.body);
            if (body && (*body)["is_sleeping"].boolean()) {
                woken_ = true;
                // Without `tags`: an empty one would name a tag "" to vLLM.
                return one_call(kWake, "POST", "/wake_up");
            }
        }
        // 404: a server without development routes. Any other refusal to wake is the engine's
        // failure.
        if (call == kWake && reply.status >= 400 && reply.status != 404)
            return refuse(Failure::Cause::kEngineFailed, "the engine could not be woken", 503);
        return answer(now, out);
    }

    void on_broken(const Failure& failure, Moment, Output& out) override {
        out.failure = failure;
        out.state = Output::State::kFailed;
    }

private:
    enum Call : std::uint32_t { kAsk = 1, kWake = 2, kSleep = 3 };

    static std::vector<EngineCall> one_call(Call id, std::string method, std::string path) {
        EngineCall call;
        call.id = id;
        call.method = std::move(method);
        call.path = std::move(path);
        return {std::move(call)};
    }

    std::vector<EngineCall> answer(Moment now, Output& out) {
        observation_.finished = now.at;
        observation_.finish_reason = form_.reason;
        // Ollama's object has no times; one that had to wait for the engine tells how long (C47).
        const Duration load =
            woken_ ? std::max<Duration>(now.at - context_.received.at, Duration(1)) : Duration{};
        complete(ollama_load_object(form_.shape, form_.model, now.wall, form_.reason, load), out);
        return {};
    }

    LoadForm form_;
    BridgeContext context_;
    bool woken_ = false;
};

}  // namespace

std::unique_ptr<Bridge> make_instant_bridge(std::string body) {
    return std::make_unique<InstantBridge>(std::move(body));
}

std::unique_ptr<Bridge> make_load_bridge(LoadForm form, BridgeContext context) {
    return std::make_unique<LoadBridge>(std::move(form), std::move(context));
}

}  // namespace segue::llm
