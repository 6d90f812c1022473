#include "chat/export.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "chat/json.hpp"

namespace segue::chat {
namespace {

std::string place_of(const Source& source) {
    std::string out = source.path.empty() ? source.title : source.path;
    for (const auto& heading : source.heading)
        out += " › " + heading;
    if (source.page) out += fmt::format(", page {}", *source.page);
    if (source.first_line && source.last_line)
        out += fmt::format(", lines {} to {}", *source.first_line, *source.last_line);
    return out;
}

std::string quoted_lines(std::string_view text) {
    std::string out;
    for (const auto line : split(text, '\n'))
        out.append("> ").append(line).append("\n");
    return out;
}

void append_answer(const Message& message, std::string& out) {
    if (message.kind == Message::Kind::kPassages)
        out += "*No model answered; these passages match.*\n\n";
    if (message.kind == Message::Kind::kNothingFound)
        out += "*No passage of the documents matches this question.*\n\n";
    if (!message.text.empty()) out += message.text + "\n\n";
    if (message.state == Message::State::kStopped) out += "*Stopped here.*\n\n";
    if (message.state == Message::State::kIncomplete)
        out += fmt::format("*Incomplete{}*\n\n",
                           message.trouble ? ": " + message.trouble->detail : "");
    if (!message.sources.empty()) {
        out += "Sources:\n\n";
        for (const auto& source : message.sources) {
            out += fmt::format("{}. {} ({})\n", source.n, place_of(source), source.collection);
            if (message.kind == Message::Kind::kPassages)
                out += "\n" + quoted_lines(source.text) + "\n";
        }
        out += "\n";
    }
    for (const auto& citation : message.citations)
        if (citation.finding != Citation::Finding::kSupported)
            out += fmt::format("*[{}] is not supported by its source.*\n\n", citation.n);
    if (message.record && !message.record->engine.empty())
        out += fmt::format("*{}, {}*\n\n", message.record->model, message.record->engine);
}

}  // namespace

std::string as_markdown(const Conversation& conversation, const std::vector<Message>& branch) {
    std::string out =
        fmt::format("# {}\n\n", conversation.title.empty() ? "Conversation" : conversation.title);
    for (const auto& message : branch) {
        if (message.role == Message::Role::kUser) {
            out += fmt::format("## Question, {}\n\n{}\n\n", rfc3339(message.created).substr(0, 16),
                               message.text);
            for (std::size_t i = 0; i < message.images.size(); ++i)
                out += fmt::format("*Picture {} ({})*\n\n", i + 1, message.images[i].media_type);
        } else {
            out += "## Answer\n\n";
            append_answer(message, out);
        }
    }
    while (out.ends_with("\n\n"))
        out.pop_back();
    return out;
}

std::string as_json(const Conversation& conversation, const std::vector<Message>& tree) {
    return json::object([&](json::Writer& w) {
        w.member("schema", "segue-conversation/1").key("conversation");
        write(w, conversation);
        w.key("messages").begin_array();
        for (const auto& message : tree)
            write(w, message);
        w.end_array();
    });
}

}  // namespace segue::chat
