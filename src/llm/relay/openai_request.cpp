#include "llm/relay/openai_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/json.hpp"
#include "llm/relay/json_edit.hpp"

namespace segue::llm {
namespace {

constexpr std::size_t kEngineStops = 4;  // vLLM since 0.28 (wire 2.2)

// Ollama's words at the top level of an OpenAI request: speed and memory, nothing an engine here
// knows.
constexpr std::array<std::string_view, 3> kOllamaHints{"options", "num_ctx", "keep_alive"};

struct Guided {
    std::string_view old_name;
    std::string_view new_name;
};
constexpr std::array<Guided, 5> kGuided{
    Guided{"guided_json", "json"}, Guided{"guided_regex", "regex"},
    Guided{"guided_choice", "choice"}, Guided{"guided_grammar", "grammar"},
    Guided{"guided_whitespace_pattern", "whitespace_pattern"}};

// Without these a request is another request: never dropped.
constexpr std::array<std::string_view, 6> kEssential{"model", "messages", "prompt",
                                                     "input", "stream",   "tools"};

bool is_essential(std::string_view name) {
    return std::find(kEssential.begin(), kEssential.end(), name) != kEssential.end();
}

void repair_stops(json::Value root, ObjectEdit& edit, PreparedOpenAiRequest& prepared,
                  Declarations& declarations) {
    const json::Value stop = root["stop"];
    if (stop.is_string() && stop.string().empty()) {
        edit.remove("stop");
        return;
    }
    if (!stop.is_array()) return;
    ArrayEdit stops(stop);
    std::size_t position = 0;
    std::size_t kept = 0;
    for (const json::Value one : stop) {
        if (one.is_string() && one.string().empty()) {
            stops.remove(position);
        } else if (kept >= kEngineStops && one.is_string()) {
            stops.remove(position);
            prepared.stops.emplace_back(one.string());
        } else {
            ++kept;
        }
        ++position;
    }
    if (!prepared.stops.empty()) declarations.adjust("stop");
    if (!stops.changed()) return;
    if (kept == 0) {
        edit.remove("stop");
    } else {
        edit.replace("stop", stops.text());
    }
}

/// Old clients send `reasoning_content`, old engines want it (wire 5.1).
void repair_reasoning(json::Value message, ObjectEdit& edit, const EngineTraits& traits) {
    const bool old_engine = traits.answers_reasoning_content;
    const json::Value now = message["reasoning"];
    const json::Value old = message["reasoning_content"];
    if (!now && !old) return;
    if (old_engine) {
        if (!old) edit.add("reasoning_content", now.raw());
        if (!now) edit.add("reasoning", old.raw());
    } else if (old) {
        if (now) {
            edit.remove("reasoning_content");
        } else {
            edit.rename("reasoning_content", "reasoning");
        }
    }
}

void repair_messages(json::Value root, ObjectEdit& edit, const EngineTraits& traits) {
    const json::Value messages = root["messages"];
    if (!messages.is_array()) return;
    ArrayEdit all(messages);
    std::size_t position = 0;
    for (const json::Value message : messages) {
        if (message.is_object()) {
            const bool user = message["role"].string() == "user";
            const json::Value content = message["content"];
            const bool thoughts = message["reasoning"] || message["reasoning_content"];
            if ((user && content.is_null()) || thoughts) {
                ObjectEdit one(message);
                if (user && content.is_null()) one.replace("content", "\"\"");
                if (thoughts) repair_reasoning(message, one, traits);
                if (one.changed()) all.replace(position, one.text());
            }
        }
        ++position;
    }
    if (all.changed()) edit.replace("messages", all.text());
}

void repair_guided(json::Value root, ObjectEdit& edit, const EngineTraits& traits) {
    if (traits.structured_outputs != EngineTraits::Tri::kYes) return;
    edit.remove("guided_decoding_backend");
    const bool has_new = !root["structured_outputs"].absent();
    std::string made;
    json::Writer writer(made);
    writer.begin_object();
    bool any = false;
    for (const Guided& guided : kGuided) {
        const json::Value value = root[guided.old_name];
        if (!value) continue;
        edit.remove(guided.old_name);
        if (value.is_null() || has_new) continue;
        writer.member_raw(guided.new_name, value.raw());
        any = true;
    }
    writer.end_object();
    if (any) edit.set("structured_outputs", made);
}

void ask_for_usage(json::Value root, ObjectEdit& edit, PreparedOpenAiRequest& prepared) {
    const json::Value options = root["stream_options"];
    if (!options.is_object()) {
        prepared.usage_wanted = false;
        edit.set("stream_options", "{\"include_usage\":true}");
        return;
    }
    if (options["include_usage"].boolean()) return;
    prepared.usage_wanted = false;
    ObjectEdit asked(options);
    asked.set("include_usage", "true");
    edit.replace("stream_options", asked.text());
}

void drop_refused(json::Value root, ObjectEdit& edit, const EngineTraits& traits,
                  Declarations& declarations) {
    for (const json::Value member : root) {
        const std::string_view name = member.key();
        if (is_essential(name) || !traits.refuses(name)) continue;
        if (name == "max_completion_tokens") {
            // It wins over max_tokens where both are known (wire 2.3).
            edit.remove("max_tokens");
            edit.rename(name, "max_tokens");
        } else {
            edit.remove(name);
            declarations.ignore(name, Loss::kSemantic);
        }
    }
}

}  // namespace

Outcome<PreparedOpenAiRequest> prepare_openai_request(OpenAiRelayRequest& request,
                                                      const Target& target,
                                                      Declarations& declarations) {
    PreparedOpenAiRequest prepared;
    // Kept only until here: a request may stream for an hour.
    auto parsed = std::exchange(request.parsed, std::nullopt);
    std::optional<json::Parser> parser;
    const auto root = parsed ? parsed->root : parser.emplace().parse(*request.body);
    const bool pass = request.kind == OpenAiRelayKind::kPassThrough;
    if (!root || !root->is_object()) {
        if (!pass) {
            return refuse(Failure::Cause::kBadRequest,
                          root ? std::string("the request body must be a JSON object")
                               : fmt::format("the request body is not valid JSON: {} at byte {}",
                                             root.error().reason, root.error().offset));
        }
        prepared.body = *request.body;
        return prepared;
    }
    ObjectEdit edit(*root);
    const json::Value model = (*root)["model"];
    const bool named = model.is_string() && model.string() == target.served_model;
    if (!named && (model || !pass)) edit.set("model", json::quoted(target.served_model));

    if (request.kind == OpenAiRelayKind::kChat || request.kind == OpenAiRelayKind::kCompletions) {
        const EngineTraits& traits = *target.traits;
        prepared.choices = (*root)["n"].integer().value_or(1);
        if (request.stream && !traits.refuses("stream_options"))
            ask_for_usage(*root, edit, prepared);
        repair_stops(*root, edit, prepared, declarations);
        for (const std::string_view hint : kOllamaHints) {
            if (edit.remove(hint)) declarations.ignore(hint, Loss::kHint);
        }
        const json::Value tools = (*root)["tools"];
        if (tools.is_array() && tools.empty()) {
            edit.remove("tools");
            edit.remove("tool_choice");
        }
        prepared.named_tool = (*root)["tool_choice"].is_object();
        repair_messages(*root, edit, traits);
        repair_guided(*root, edit, traits);
        drop_refused(*root, edit, traits, declarations);
    }
    prepared.body = edit.changed() ? edit.text() : *request.body;
    return prepared;
}

std::vector<std::string> fields_called_unknown(std::string_view request_body,
                                               std::string_view engine_message) {
    std::vector<std::string> names;
    const auto says = [&](std::string_view text) {
        return engine_message.find(text) != std::string_view::npos;
    };
    if (!says("extra_forbidden") && !says("Extra inputs are not permitted")) return names;
    json::Parser parser;
    const auto root = parser.parse(request_body);
    if (!root) return names;
    for (const json::Value member : *root) {
        const std::string_view name = member.key();
        if (is_essential(name)) continue;
        // pydantic names the place as a tuple; FastAPI's newer handlers as a dotted path.
        if (says(fmt::format("'body', '{}'", name)) || says(fmt::format("\"body\",\"{}\"", name)) ||
            says(fmt::format("\"body\", \"{}\"", name)) || says(fmt::format("body.{}'", name))) {
            names.emplace_back(name);
        }
    }
    return names;
}

}  // namespace segue::llm
