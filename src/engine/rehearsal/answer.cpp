#include "engine/rehearsal/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <regex>

#include "base/json.hpp"
#include "base/text.hpp"
#include "engine/rehearsal/passages.hpp"
#include "engine/rehearsal/script.hpp"
#include "engine/rehearsal/shape.hpp"
#include "engine/rehearsal/tokens.hpp"

namespace segue::engine::rehearsal {
namespace {

using Kind = Piece::Kind;

struct Plan {
    std::string reasoning;
    std::string text;
    std::vector<CalledTool> calls;
};

std::string context_of(const std::vector<Passage>& passages) {
    std::string out;
    for (const Passage& passage : passages)
        out += passage.text + "\n";
    return out;
}

/// How well a tool fits a question: shared words of its name and description.
std::size_t fitness(const PromptTool& tool, const std::vector<std::string>& wanted) {
    const std::vector<std::string> words =
        meaning_words(replace_all(tool.name, "_", " ") + " " + tool.description);
    return static_cast<std::size_t>(
        std::count_if(wanted.begin(), wanted.end(), [&](const auto& word) {
            return std::find(words.begin(), words.end(), word) != words.end();
        }));
}

const PromptTool* choose_tool(const Prompt& prompt, std::string_view question) {
    if (prompt.tools.empty()) return nullptr;
    if (prompt.tool_choice == ToolChoice::kNamed) {
        for (const PromptTool& tool : prompt.tools) {
            if (tool.name == prompt.named_tool) return &tool;
        }
    }
    const std::vector<std::string> wanted = meaning_words(question);
    const PromptTool* best = &prompt.tools.front();
    for (const PromptTool& tool : prompt.tools) {
        if (fitness(tool, wanted) > fitness(*best, wanted)) best = &tool;
    }
    if (prompt.tool_choice == ToolChoice::kRequired || fitness(*best, wanted) > 0) return best;
    return nullptr;
}

void call_tool(const PromptTool& tool, const Prompt& prompt, std::string_view question,
               Plan& plan) {
    json::Parser parser;
    const auto schema = parser.parse(tool.parameters.empty() ? "{}" : tool.parameters);
    Material material = material_from(question, "");
    const auto arguments = [&]() -> std::string {
        if (!schema || !(*schema)["properties"]) return "{}";
        return fill_schema(*schema, material);
    };
    // "the weather in Paris and in Rome": one call for each name, if several calls are wanted.
    const std::vector<std::string> names = material.words;
    const bool several = prompt.parallel_calls && names.size() > 1 && names.size() <= 4 &&
                         question.find(" and ") != std::string_view::npos;
    if (!several) {
        plan.calls.push_back({tool.name, arguments()});
        return;
    }
    for (const std::string& name : names) {
        material.words = {name};
        plan.calls.push_back({tool.name, arguments()});
    }
}

std::string match_regex(const std::string& pattern, const std::string& question,
                        const std::string& context) {
    try {
        const std::regex expression(pattern);
        std::smatch match;
        for (const std::string* text : {&question, &context}) {
            if (text->size() < 4096 && std::regex_search(*text, match, expression))
                return match.str();
        }
    } catch (const std::regex_error&) {  // what this library cannot read is answered like no match
    }
    return "0";
}

Plan constrained(const Prompt& prompt, Skill skill, const std::string& question,
                 const std::vector<Passage>& passages) {
    const std::string context = context_of(passages);
    Plan plan;
    plan.reasoning = "I look for the answer in the passages.";
    if (!prompt.choices.empty()) {
        plan.text = prompt.choices.front();
        for (const std::string& choice : prompt.choices) {
            if (context.find(choice) != std::string::npos ||
                question.find(choice) != std::string::npos) {
                plan.text = choice;
                break;
            }
        }
        return plan;
    }
    if (!prompt.regex.empty()) {
        plan.text = match_regex(prompt.regex, question, context);
        return plan;
    }
    // The script's own JSON answer is used where it is one of the wanted shape.
    if (skill == Skill::kTiny) {
        if (auto scripted = scripted_answer(question);
            scripted && scripted->text.starts_with('{')) {
            if (prompt.schema.empty() || prompt.schema.find("\"country\"") != std::string::npos) {
                return {scripted->reasoning, scripted->text, {}};
            }
        }
    }
    json::Parser parser;
    if (const auto schema = parser.parse(prompt.schema); !prompt.schema.empty() && schema) {
        plan.text = fill_schema(*schema, material_from(question, context));
        return plan;
    }
    std::string found = answer_from_passages(passages, question);
    if (found.empty()) found = kWhatThisIs;
    plan.text = "{\"answer\": " + json::quoted(found) + "}";
    return plan;
}

std::string remaining_text(const Prompt& prompt, const std::string& text) {
    const std::string& begun = prompt.messages.back().content;
    // Continue where the begun text ends inside the answer; else the whole answer follows it.
    const std::size_t at = text.find(trim(begun));
    if (at == std::string::npos || trim(begun).empty()) return " " + text;
    return text.substr(at + trim(begun).size());
}

Plan make_plan(const Prompt& prompt, Skill skill) {
    const std::string question = question_of(prompt);
    const std::vector<Passage> passages = find_passages(prompt);
    const bool is_constrained = !prompt.schema.empty() || prompt.json_object ||
                                !prompt.choices.empty() || !prompt.regex.empty();
    const bool has_result = !prompt.messages.empty() && prompt.messages.back().role == "tool";
    if (skill == Skill::kTiny) {
        if (auto text = scripted_tool_answer(prompt)) return {"I read the result.", *text, {}};
    }
    // A constraint on the text holds whatever tools there are: real engines sample under its
    // grammar.
    const bool may_call = !is_constrained || prompt.tool_choice != ToolChoice::kAuto;
    if (!has_result && may_call) {
        if (const PromptTool* tool = choose_tool(prompt, question)) {
            Plan plan;
            plan.reasoning = fmt::format("I call {}.", tool->name);
            call_tool(*tool, prompt, question, plan);
            return plan;
        }
    }
    if (is_constrained) return constrained(prompt, skill, question, passages);
    Plan plan;
    plan.reasoning = "I look for the answer in the passages.";
    if (skill == Skill::kTiny) {
        if (auto scripted = scripted_answer(question))
            plan = {scripted->reasoning, scripted->text, {}};
    }
    if (plan.text.empty()) plan.text = answer_from_passages(passages, question);
    if (plan.text.empty() && has_result) plan.text = prompt.messages.back().content;
    if (plan.text.empty()) plan.text = kWhatThisIs;
    if (prompt.continue_last && !prompt.messages.empty())
        plan.text = remaining_text(prompt, plan.text);
    return plan;
}

void add_pieces(Kind kind, std::string_view text, std::vector<Piece>& out) {
    for (std::string& token : split_tokens(text))
        out.push_back({kind, std::move(token)});
}

void add_call(const CalledTool& call, std::uint32_t index, std::vector<Piece>& out) {
    const auto markup = [&](std::string_view text) {
        for (std::string& token : split_tokens(text)) {
            out.push_back({Kind::kCallMarkup, "", std::move(token), index});
        }
    };
    markup("<tool_call>\n{\"name\": \"");
    std::vector<std::string> name = split_tokens(call.name);
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool is_last = i + 1 == name.size();
        out.push_back({is_last ? Kind::kCallName : Kind::kCallMarkup, is_last ? call.name : "",
                       std::move(name[i]), index});
    }
    markup("\", \"arguments\":");
    bool is_first = true;
    std::vector<std::string> tokens = split_tokens(call.arguments);
    // vLLM's parser gives the closing quote and brace out together (recording "chat_tools_stream").
    if (tokens.size() > 2 && tokens.back() == "}" && tokens[tokens.size() - 2] == "\"") {
        tokens.pop_back();
        tokens.back() = "\"}";
    }
    for (std::string& token : tokens) {
        std::string raw = is_first ? " " + token : token;
        out.push_back({Kind::kCallArguments, std::move(token), std::move(raw), index});
        is_first = false;
    }
    markup("}\n");
    out.push_back({Kind::kCallClose, "", "</tool_call>", index});
}

/// Cuts at the first stop string: its pieces vanish, except the part of a piece that stands before
/// it.
void apply_stops(const Prompt& prompt, Answer& answer) {
    std::size_t cut = std::string::npos;
    std::string_view matched;
    const std::string text = answer.text();
    for (const std::string& stop : prompt.stops) {
        if (stop.empty()) continue;
        const std::size_t at = text.find(stop);
        if (at < cut) {
            cut = at;
            matched = stop;
        }
    }
    if (cut == std::string::npos) return;
    const std::size_t matched_end = cut + matched.size();
    const std::size_t shown_end = prompt.include_stop ? matched_end : cut;
    std::size_t seen = 0;
    std::size_t keep = 0;
    for (Piece& piece : answer.pieces) {
        ++keep;
        if (piece.kind != Kind::kText) continue;
        const std::size_t begin = seen;
        seen += piece.text.size();
        if (seen > shown_end) {
            piece.raw = piece.text;
            piece.text = begin < shown_end ? piece.text.substr(0, shown_end - begin) : "";
        }
        if (seen >= matched_end) break;
    }
    answer.pieces.resize(keep);
    answer.stop_string = std::string(matched);
    answer.finish = Answer::Finish::kStop;
}

double made_up_logprob(const Piece& piece, std::size_t position) {
    const std::size_t mixed = std::hash<std::string>{}(piece.written()) + position * 7919;
    return -0.0001 - static_cast<double>(mixed % 1000) / 250'000.0;
}

}  // namespace

std::string Answer::text() const {
    std::string out;
    for (const Piece& piece : pieces) {
        if (piece.kind == Kind::kText) out += piece.text;
    }
    return out;
}

std::string Answer::reasoning() const {
    std::string out;
    for (const Piece& piece : pieces) {
        if (piece.kind == Kind::kReasoning) out += piece.text;
    }
    return out;
}

bool Answer::calls_complete() const {
    const auto closed = std::count_if(pieces.begin(), pieces.end(), [](const Piece& piece) {
        return piece.kind == Kind::kCallClose;
    });
    return static_cast<std::size_t>(closed) == calls.size();
}

Answer make_answer(const Prompt& prompt, Skill skill, TemplateKind counted_as) {
    Plan plan = make_plan(prompt, skill);
    Answer answer;
    const std::string rendered = render_prompt(prompt);
    answer.prompt_characters = static_cast<std::int64_t>(rendered.size());
    answer.prompt_tokens = static_cast<std::int64_t>(count_tokens(rendered));
    if (skill == Skill::kTiny && !prompt.raw) {
        answer.prompt_tokens = scripted_prompt_tokens(prompt, counted_as == TemplateKind::kOllama)
                                   .value_or(answer.prompt_tokens);
    }
    if (prompt.thinking) {
        answer.pieces.push_back({Kind::kThinkOpen, "<think>"});
        add_pieces(Kind::kReasoning, "\n" + plan.reasoning + "\n", answer.pieces);
        answer.pieces.push_back({Kind::kThinkClose, "</think>"});
        add_pieces(Kind::kText, "\n\n", answer.pieces);
    }
    add_pieces(Kind::kText, plan.text, answer.pieces);
    for (std::uint32_t i = 0; i < plan.calls.size(); ++i)
        add_call(plan.calls[i], i, answer.pieces);
    answer.calls = std::move(plan.calls);
    if (prompt.tool_choice == ToolChoice::kNone && !answer.calls.empty()) {
        // The model writes the call all the same, and nobody parses it (recording
        // "chat_tools_none").
        for (Piece& piece : answer.pieces) {
            if (piece.raw.empty()) continue;
            piece = {Kind::kText, std::move(piece.raw)};
        }
        answer.calls.clear();
    }
    if (prompt.ignore_end && prompt.max_tokens && !answer.pieces.empty()) {
        const std::vector<Piece> once = answer.pieces;
        const auto wanted =
            static_cast<std::size_t>(std::clamp<std::int64_t>(*prompt.max_tokens, 1, 100'000));
        for (std::size_t i = 0; answer.pieces.size() < wanted; ++i) {
            Piece again = once[i % once.size()];
            again.kind = Kind::kText;
            again.text = i % once.size() == 0 ? " " + again.written() : again.written();
            answer.pieces.push_back(std::move(again));
        }
    } else {
        answer.pieces.push_back({Kind::kEnd, ""});
    }
    if (prompt.max_tokens) {
        const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(*prompt.max_tokens, 1));
        if (answer.pieces.size() > limit || (prompt.ignore_end && answer.pieces.size() == limit)) {
            answer.pieces.resize(limit);
            answer.finish = Answer::Finish::kLength;
        }
    }
    apply_stops(prompt, answer);
    for (std::size_t i = 0; i < answer.pieces.size(); ++i) {
        Piece& piece = answer.pieces[i];
        piece.logprob = made_up_logprob(piece, i);
        if (piece.kind == Kind::kReasoning) ++answer.reasoning_tokens;
    }
    answer.completion_tokens = static_cast<std::int64_t>(answer.pieces.size());
    return answer;
}

}  // namespace segue::engine::rehearsal
