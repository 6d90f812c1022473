#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/code/options.hpp"
#include "rewrite/script/script.hpp"

namespace segue::rewrite::script {
namespace {

/// "numCtx" → "num_ctx": some wrappers write it so.
std::string snake(std::string_view name) {
    std::string out;
    for (const char c : name)
        if (c >= 'A' && c <= 'Z') {
            out += '_';
            out += ascii_lower(c);
        } else {
            out += c;
        }
    return out;
}

}  // namespace

bool Request::options(Node value, std::vector<std::string>& plain,
                      std::vector<std::string>& extra) {
    if (!value.is("object")) return fail(value, "the options come from elsewhere");
    for (const auto entry : value.children()) {
        if (entry.is("comment")) continue;
        const bool shorthand = entry.is("shorthand_property_identifier");
        if (!shorthand && !entry.is("pair"))
            return fail(entry, "options are put together at run time");
        const auto key = shorthand ? entry : entry.field("key");
        const auto name =
            key.is("string") ? string_value(key).value_or("") : std::string(key.text());
        const auto text =
            shorthand ? std::string(entry.text()) : std::string(entry.field("value").text());
        const auto known = new_option(snake(name));
        if (!known) return fail(entry, fmt::format("the option {} is not known", name));
        if (known->name.empty()) {
            group_.note(
                file_, entry.start(), fmt::format("the option {} went: {}", name, known->because),
                snake(name) == "num_ctx" ? fmt::format("serve with --max-model-len {}", text)
                                         : std::string(),
                108);
            continue;
        }
        if (snake(name) == "num_predict" && text.starts_with('-')) continue;
        const auto one = known->name == text ? text : fmt::format("{}: {}", known->name, text);
        (known->extra ? extra : plain).push_back(one);
    }
    return true;
}

void Request::replace(Node whole, const std::vector<std::string>& texts) {
    if (texts.empty()) {
        const auto range = element_range(whole, file_.text);
        group_.edit(file_, range.begin, range.end, "", 108);
        return;
    }
    const bool many = whole.text().find('\n') != std::string_view::npos;
    const auto between = many ? ",\n" + indent_at(file_.text, whole.start()) : std::string(", ");
    std::string text;
    for (const auto& one : texts)
        text += (text.empty() ? "" : between) + one;
    group_.edit(file_, whole.start(), whole.end(), text, 108);
}

/// `content: q, images: [x]` of a message becomes a list of parts.
bool Request::messages(Node value, bool sdk) {
    // Where the list is a name its messages are put together in the same function.
    const auto scope = value.is("identifier") || value.is("shorthand_property_identifier")
                           ? scope_of(value)
                           : value;
    std::vector<Node> found;
    scope.walk([&](Node node) {
        if (node.is("object") && member(node, "images") && member(node, "role"))
            found.push_back(node);
        return true;
    });
    for (const auto message : found) {
        if (sdk)
            return fail(message,
                        "messages with images: they become image_url parts with data: "
                        "addresses of base64 text");
        const auto content = member(message, "content");
        const auto images = member(message, "images");
        if (!content || !images.is("pair"))
            return fail(message, "a message with images is put together at run time");
        const auto text = content.is("pair") ? content.field("value").text() : content.text();
        group_.edit(file_, content.start(), content.end(),
                    "content: " + parts_with(text, image_parts(images.field("value"))), 108);
        const auto range = element_range(images, file_.text);
        group_.edit(file_, range.begin, range.end, "", 108);
    }
    return true;
}

std::string Request::parts_with(std::string_view text, std::string_view images) {
    return fmt::format("[{{ type: 'text', text: {} }}, {}]", text, images);
}

/// Over HTTP images are base64 text.
std::string Request::image_parts(Node images) {
    const auto part = [](std::string_view image) {
        return fmt::format(
            "{{ type: 'image_url', image_url: {{ url: `data:image/jpeg;base64,${{{}}}` }} }}",
            image);
    };
    if (!images.is("array"))
        return fmt::format("...{}.map((image) => ({}))", images.text(), part("image"));
    std::string out;
    for (const auto image : images.children())
        if (!image.is("comment")) out += (out.empty() ? "" : ", ") + part(image.text());
    return out;
}

bool Request::object(Node literal, Endpoint endpoint, bool sdk, bool must_stream) {
    if (!literal.is("object")) return fail(literal, "the request is put together elsewhere");
    std::vector<std::string> extra;
    std::vector<std::string> plain;
    Node prompt;
    Node options_part;
    std::string system;
    std::string images;
    bool stream_given = false;
    for (const auto entry : literal.children()) {
        if (entry.is("comment")) continue;
        const bool shorthand = entry.is("shorthand_property_identifier");
        if (!shorthand && !entry.is("pair"))
            return fail(entry, "the request is put together at run time");
        const auto key = shorthand ? entry : entry.field("key");
        const auto name =
            key.is("string") ? string_value(key).value_or("") : std::string(key.text());
        const auto value = shorthand ? entry : entry.field("value");
        const std::string text(value.text());
        if (name == "model" && !model_through_.empty()) {
            if (shorthand)
                group_.edit(file_, entry.start(), entry.end(),
                            "model: " + model_through_ + "(model)", 111);
            else
                group_.edit(file_, value.start(), value.end(), model_through_ + "(" + text + ")",
                            111);
            continue;
        }
        if (name == "model" || name == "input" || name == "tools") continue;
        if (name == "messages") {
            if (!messages(value, sdk)) return false;
            if (sdk && typed_ && !value.is("array")) {
                casts_ = true;
                group_.edit(file_, entry.start(), entry.end(),
                            "messages: " + text + " as ChatCompletionMessageParam[]", 102);
            }
            continue;
        }
        if (name == "stream") {
            stream_given = true;
            streams_ = text == "true";
            if (!streams_ && text != "false")
                return fail(value, "whether it streams is decided at run time");
            continue;
        }
        if (name == "prompt" && endpoint == Endpoint::kGenerate) {
            prompt = entry;
            continue;
        }
        if (name == "prompt" && endpoint == Endpoint::kEmbeddings) {
            group_.edit(file_, entry.start(), entry.end(), "input: " + text, 108);
            continue;
        }
        if (name == "images" && endpoint == Endpoint::kGenerate && !sdk) {
            images = image_parts(value);
            replace(entry, {});
            continue;
        }
        if (name == "system" && endpoint == Endpoint::kGenerate) {
            system = text;
            replace(entry, {});
            continue;
        }
        if (name == "options") {
            options_part = entry;
            if (!options(value, plain, extra)) return false;
            continue;
        }
        if (name == "format") {
            const auto literal_text = string_value(value);
            if (literal_text && *literal_text == "json")
                replace(entry, {"response_format: { type: 'json_object' }"});
            else if (literal_text)
                return fail(value, "a format that is not known");
            else
                replace(entry, {"response_format: { type: 'json_schema', json_schema: { name: "
                                "'response', schema: " +
                                text + " } }"});
            continue;
        }
        if (name == "keep_alive" || name == "keepAlive" || name == "truncate") {
            group_.note(file_, entry.start(),
                        name + " went: vLLM keeps its model loaded for as long as it runs", {},
                        108);
            replace(entry, {});
            continue;
        }
        if (name == "think" && (text == "true" || text == "false")) {
            const auto kwargs = "chat_template_kwargs: { enable_thinking: " + text + " }";
            replace(entry, {sdk && typed_ ? "...{ " + kwargs + " }" : kwargs});
            continue;
        }
        return fail(entry, fmt::format("{} has no counterpart", name));
    }
    if (prompt) {
        const auto value = prompt.is("pair") ? prompt.field("value") : prompt;
        std::string list = "messages: [";
        if (!system.empty()) list += "{ role: 'system', content: " + system + " }, ";
        const std::string text(value.text());
        list += "{ role: 'user', content: " + (images.empty() ? text : parts_with(text, images)) +
                " }]";
        replace(prompt, {list});
    } else if (endpoint == Endpoint::kGenerate) {
        return fail(literal, "a request without a prompt only loads a model");
    }
    if (!extra.empty()) {
        // A spread is no excess property for the checker.
        std::string text = sdk && typed_ ? "...{ " : "";
        for (std::size_t i = 0; i < extra.size(); ++i)
            text += (i == 0 ? "" : ", ") + extra[i];
        plain.push_back(text + (sdk && typed_ ? " }" : ""));
    }
    if (options_part) replace(options_part, plain);
    if (must_stream && !stream_given && literal.count() > 0)
        group_.edit(file_, literal.at(0).start(), literal.at(0).start(), "stream: true, ", 108);
    return true;
}

}  // namespace segue::rewrite::script
