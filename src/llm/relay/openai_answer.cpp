#include "llm/relay/openai_answer.hpp"

#include <algorithm>
#include <utility>

#include "llm/relay/json_edit.hpp"

namespace segue::llm {

/// A choice and the object in it that holds the text (delta or message), edited together.
class ChoiceEdit {
public:
    ChoiceEdit(json::Value choice, std::string_view payload_name)
        : choice_value_(choice), payload_name_(payload_name) {}

    ObjectEdit& choice() {
        if (!choice_) choice_.emplace(choice_value_);
        return *choice_;
    }
    ObjectEdit& payload() {
        if (!payload_) payload_.emplace(choice_value_[payload_name_]);
        return *payload_;
    }
    bool changed() const { return choice_ || payload_; }
    std::string text() {
        if (payload_) choice().replace(payload_name_, payload_->text());
        return choice().text();
    }

private:
    json::Value choice_value_;
    std::string_view payload_name_;
    std::optional<ObjectEdit> choice_;
    std::optional<ObjectEdit> payload_;
};

namespace {

FinishReason finish_of(std::string_view reason) {
    if (reason == "length") return FinishReason::kLength;
    if (reason == "tool_calls") return FinishReason::kToolCalls;
    return FinishReason::kStop;
}

void take(std::optional<std::int64_t>& to, json::Value from) {
    if (const auto number = from.integer()) to = number;
}

/// One pass: a name looked up passes all others by. The second names are those of /v1/responses.
void take_counts(json::Value usage, Usage& to) {
    for (const json::Value member : usage) {
        const std::string_view name = member.key();
        if (name == "prompt_tokens" || name == "input_tokens") {
            take(to.prompt_tokens, member);
        } else if (name == "completion_tokens" || name == "output_tokens") {
            take(to.completion_tokens, member);
        } else if (name == "prompt_tokens_details" || name == "input_tokens_details") {
            take(to.cached_tokens, member["cached_tokens"]);
        } else if (name == "completion_tokens_details" || name == "output_tokens_details") {
            take(to.reasoning_tokens, member["reasoning_tokens"]);
        }
    }
}

bool has_text(json::Value value) {
    return !value.string().empty();
}

void observe_finish(std::string_view reason, Moment now, Observation& seen) {
    if (!seen.first_event) seen.first_event = now.at;
    seen.finished = now.at;
    seen.finish_reason = finish_of(reason);
}

void observe_content(Moment now, Observation& seen) {
    if (!seen.first_event) seen.first_event = now.at;
    ++seen.content_events;
}

/// Wire 5.1: `reasoning_content` before vLLM 0.11.1, both in 0.11.2, `reasoning` after.
void repair_reasoning(json::Value payload, OpenAiAnswer::Reasoning wanted, EngineTraits& traits,
                      ChoiceEdit& edit) {
    const json::Value now = payload["reasoning"];
    const json::Value old = payload["reasoning_content"];
    if (old.is_string() && !now) traits.answers_reasoning_content = true;
    if (wanted == OpenAiAnswer::Reasoning::kBothNames) {
        if (now && !old) edit.payload().add("reasoning_content", now.raw());
        if (old && !now) edit.payload().add("reasoning", old.raw());
    } else if (old) {
        if (now) {
            edit.payload().remove("reasoning_content");
        } else {
            edit.payload().rename("reasoning_content", "reasoning");
        }
    }
}

}  // namespace

OpenAiAnswer::OpenAiAnswer(OpenAiRelayKind kind, std::string_view client_model, Reasoning reasoning,
                           PreparedOpenAiRequest prepared, std::shared_ptr<EngineTraits> traits)
    : kind_(kind),
      model_(json::quoted(client_model)),
      reasoning_(reasoning),
      prepared_(std::move(prepared)),
      traits_(std::move(traits)) {
}

void OpenAiAnswer::replace_model(json::Value root, json::Value holder,
                                 std::vector<Span>& spans) const {
    const json::Value model = holder["model"];
    if (!model.is_string() || model.raw() == model_) return;
    spans.push_back({offset_in(root.raw(), model.raw()), model.raw().size(), model_});
}

void OpenAiAnswer::observe_usage(json::Value root, Observation& seen) const {
    json::Value usage = root["usage"];
    if (!usage.is_object()) usage = root["response"]["usage"];
    take_counts(usage, seen.usage);
    if (const auto queue = root["metrics"]["queue_time_ms"].number()) seen.usage.queue_ms = queue;
}

void OpenAiAnswer::observe_response(json::Value root, Moment now, Observation& seen) {
    const std::string_view type = root["type"].string();
    if (type.ends_with(".delta")) observe_content(now, seen);
    const bool closing =
        type == "response.completed" || type == "response.incomplete" || type == "response.failed";
    if (closing || root["object"].string() == "response") {
        const json::Value response = closing ? root["response"] : root;
        observe_finish(response["status"].string() == "incomplete" ? "length" : "stop", now, seen);
        closing_event_ = true;
    }
}

void OpenAiAnswer::saw_text(Moment now, Observation& seen) const {
    observe_content(now, seen);
}

OpenAiAnswer::Read OpenAiAnswer::read(json::Value root, Shape shape, Moment now,
                                      Observation& seen) {
    observe_usage(root, seen);
    std::vector<Span> spans;
    replace_model(root, root, spans);
    const json::Value choices = root["choices"];
    if (kind_ == OpenAiRelayKind::kChat || kind_ == OpenAiRelayKind::kCompletions) {
        if (choices.is_array()) {
            // The usage chunk, which Segue asked for and the client did not.
            if (choices.empty() && shape == Shape::kChunk && !prepared_.usage_wanted) {
                return {Verdict::kSwallow, {}};
            }
            if (auto text = read_choices(choices, shape, now, seen)) {
                if (*text == "[]") return {Verdict::kSwallow, {}};
                spans.push_back(
                    {offset_in(root.raw(), choices.raw()), choices.raw().size(), std::move(*text)});
            }
        }
    } else {
        replace_model(root, root["response"], spans);
        replace_model(root, root["message"], spans);
        if (kind_ == OpenAiRelayKind::kResponses) observe_response(root, now, seen);
    }
    if (shape == Shape::kWhole && !seen.first_event) seen.first_event = seen.finished = now.at;
    if (spans.empty()) return {};

    std::sort(spans.begin(), spans.end(),
              [](const Span& a, const Span& b) { return a.begin < b.begin; });
    Read result{Verdict::kChanged, {}};
    std::size_t position = 0;
    for (const Span& span : spans) {
        result.text += root.raw().substr(position, span.begin - position);
        result.text += span.text;
        position = span.begin + span.size;
    }
    result.text += root.raw().substr(position);
    return result;
}

std::optional<std::string> OpenAiAnswer::read_choices(json::Value choices, Shape shape, Moment now,
                                                      Observation& seen) {
    const std::string_view payload_name = shape == Shape::kChunk ? "delta" : "message";
    std::optional<ArrayEdit> all;
    std::size_t position = 0;
    std::size_t dropped = 0;
    for (const json::Value choice : choices) {
        const std::size_t at = position++;
        if (!choice.is_object()) continue;
        // Bounded: an engine's numbers must not fill the memory.
        const std::int64_t index =
            std::clamp<std::int64_t>(choice["index"].integer().value_or(0), 0, 1023);
        Choice& state = choices_[index];
        const json::Value payload = choice[payload_name];
        ChoiceEdit edit(choice, payload_name);

        const json::Value calls = payload["tool_calls"];
        if (calls.is_array() && calls.empty()) {
            edit.payload().remove("tool_calls");  // clients index [0] (wire 5.1)
        } else if (calls.is_array()) {
            state.calls = true;
        }
        const bool reasons =
            has_text(payload["reasoning"]) || has_text(payload["reasoning_content"]);
        if (reasons || has_text(payload["content"]) || has_text(choice["text"]) || !calls.empty()) {
            observe_content(now, seen);
        }
        if (payload.is_object()) repair_reasoning(payload, reasoning_, *traits_, edit);

        bool keep = true;
        if (!prepared_.stops.empty()) keep = cut_text(choice, payload, state, edit);
        const std::string_view reason = choice["finish_reason"].string();
        if (!reason.empty()) {
            state.finished = true;
            // vLLM ends a named tool's call with "stop" (recorded in 0.32).
            if (reason == "stop" && prepared_.named_tool && state.calls) {
                edit.choice().replace("finish_reason", "\"tool_calls\"");
                observe_finish("tool_calls", now, seen);
            } else {
                observe_finish(reason, now, seen);
            }
        }
        if (keep && !edit.changed()) continue;
        if (!all) all.emplace(choices);
        if (keep) {
            all->replace(at, edit.text());
        } else {
            all->remove(at);
            ++dropped;
        }
    }
    if (!all) return std::nullopt;
    if (dropped == position) return "[]";
    return all->text();
}

bool OpenAiAnswer::cut_text(json::Value choice, json::Value payload, Choice& state,
                            ChoiceEdit& edit) const {
    if (!state.cut) state.cut.emplace(prepared_.stops);
    if (state.cut->met()) return false;
    const bool completion = kind_ == OpenAiRelayKind::kCompletions;
    const json::Value text = completion ? choice["text"] : payload["content"];
    const bool ends = !choice["finish_reason"].absent();
    const std::string_view given = text.string();
    std::string ready = state.cut->feed(given);
    if (state.cut->met()) {
        edit.choice().set("finish_reason", "\"stop\"");
        edit.choice().set("stop_reason", json::quoted(*state.cut->met()));
        state.finished = true;
    } else if (ends) {
        ready += state.cut->flush();
    }
    if (ready == given) return true;
    const bool only_text = completion || (payload.size() == 1 && text);
    if (ready.empty() && only_text && !ends && !state.cut->met()) return false;
    if (completion) {
        edit.choice().set("text", json::quoted(ready));
    } else if (payload.is_object()) {
        edit.payload().set("content", json::quoted(ready));
    }
    return true;
}

bool OpenAiAnswer::finished() const {
    if (kind_ == OpenAiRelayKind::kResponses) return closing_event_;
    if (kind_ == OpenAiRelayKind::kPassThrough) return true;
    return !choices_.empty() &&
           std::all_of(choices_.begin(), choices_.end(),
                       [](const auto& entry) { return entry.second.finished; });
}

bool OpenAiAnswer::stopped() const {
    if (prepared_.stops.empty() || prepared_.usage_wanted) return false;
    return static_cast<std::int64_t>(choices_.size()) >= prepared_.choices &&
           std::all_of(choices_.begin(), choices_.end(), [](const auto& entry) {
               return entry.second.cut && entry.second.cut->met().has_value();
           });
}

}  // namespace segue::llm
