#include "rewrite/python/request.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/code/options.hpp"

namespace segue::rewrite::python {
namespace {

constexpr std::string_view kPositional[][2] = {
    {"model", "messages"}, {"model", "prompt"}, {"model", "input"}};

}  // namespace

std::string Request::pair(std::string_view name, std::string_view value, bool as_call) const {
    return as_call ? fmt::format("{}={}", name, value)
                   : fmt::format("{0}{1}{0}: {2}", quote_, name, value);
}

/// A name that is bound once in its scope, to a literal.
Node Request::resolve(Node value) const {
    if (!value.is("identifier")) return value;
    Node found;
    for (const auto name : names_in(scope_of(value), value.text())) {
        const auto parent = name.parent();
        if (parent.is("assignment") && parent.field("left") == name) {
            if (found) return value;
            found = parent.field("right");
        } else if (!(name == value)) {
            return value;  // somebody else uses it, too
        }
    }
    return found ? found : value;
}

bool Request::options(Node value, std::vector<std::string>& plain, std::vector<std::string>& extra,
                      bool as_call) {
    const auto one = [&](std::string_view name, Node at, Node what) {
        const auto known = new_option(name);
        if (!known) return fail(at, fmt::format("the option {} is not known", name));
        if (known->name.empty()) {
            group_.note(
                file_, at.start(), fmt::format("the option {} went: {}", name, known->because),
                name == "num_ctx" ? fmt::format("serve with --max-model-len {}", what.text())
                                  : std::string(),
                108);
            return true;
        }
        if (name == "num_predict" && what.text().starts_with("-")) return true;  // no limit
        if (known->extra && as_call)
            extra.push_back(fmt::format("{0}{1}{0}: {2}", quote_, known->name, what.text()));
        else
            plain.push_back(pair(known->name, what.text(), as_call));
        return true;
    };
    if (value.is("dictionary")) {
        for (const auto entry : value.children()) {
            if (entry.is("comment")) continue;
            const auto name = entry.is("pair") ? string_value(entry.field("key")) : std::nullopt;
            if (!name) return fail(entry, "options are put together at run time");
            if (!one(*name, entry, entry.field("value"))) return false;
        }
        return true;
    }
    const auto callee = value.is("call") ? value.field("function").text() : std::string_view();
    if (callee == "dict" || callee == "Options" || callee.ends_with(".Options")) {
        for (const auto entry : value.field("arguments").children()) {
            if (!entry.is("keyword_argument")) return fail(entry, "options from elsewhere");
            if (!one(entry.field("name").text(), entry, entry.field("value"))) return false;
        }
        return true;
    }
    return fail(value, "the options come from elsewhere");
}

/// Functions of this file in the list, or a name that is bound to such a list.
bool Request::holds_functions(Node tools) const {
    Node root = tools;
    while (root.parent())
        root = root.parent();
    const auto is_function = [&](std::string_view name) {
        bool found = false;
        root.walk([&](Node node) {
            found = found || (node.is("function_definition") && node.field("name").text() == name);
            return !found;
        });
        return found;
    };
    const auto list = resolve(tools);
    if (list.is("list"))
        for (const auto element : list.children())
            if (element.is("identifier") && is_function(element.text())) return true;
    return false;
}

/// `"content": q, "images": [x]` of a message becomes a list of parts.
bool Request::messages(Node value, bool as_call) {
    // Where the list is a name its messages are put together in the same function.
    const auto scope = value.is("identifier") ? scope_of(value) : value;
    std::vector<Node> found;
    Node other;
    scope.walk([&](Node node) {
        if (node.is("dictionary")) {
            for (const auto entry : node.children())
                if (entry.is("pair") && string_value(entry.field("key")) == "images")
                    found.push_back(node);
        } else if (node.is("subscript") && string_value(node.field("subscript")) == "images" &&
                   node.parent().is("assignment") && node.parent().field("left") == node) {
            other = node;
        }
        return true;
    });
    if (other) return fail(other, "images are added to a message: they become image_url parts");
    for (const auto dictionary : found) {
        Node content;
        Node images;
        bool role = false;
        for (const auto entry : dictionary.children()) {
            const auto key = entry.is("pair") ? string_value(entry.field("key")) : std::nullopt;
            if (!key) return fail(entry, "a message with images is put together at run time");
            if (*key == "content") content = entry.field("value");
            if (*key == "images") images = entry;
            role = role || *key == "role";
        }
        if (!role) continue;  // the request's own body
        if (!content) return fail(dictionary, "a message with images, but without content");
        group_.edit(file_, content.start(), content.end(),
                    parts_with(content.text(), image_parts(images.field("value"), as_call)), 108);
        const auto range = element_range(images, file_.text);
        group_.edit(file_, range.begin, range.end, "", 108);
    }
    return true;
}

std::string Request::parts_with(std::string_view text, std::string_view images) const {
    return fmt::format("[{{{0}type{0}: {0}text{0}, {0}text{0}: {1}}}, {2}]", quote_, text, images);
}

/// Parts for the images of one message. The package also takes bytes and paths.
std::string Request::image_parts(Node images, bool as_call) {
    const auto part = [&](std::string_view image) {
        const auto url = as_call
                             ? fmt::format("image_url({})", image)
                             : fmt::format("{0}data:image/jpeg;base64,{0} + {1}", quote_, image);
        return fmt::format("{{{0}type{0}: {0}image_url{0}, {0}image_url{0}: {{{0}url{0}: {1}}}}}",
                           quote_, url);
    };
    if (as_call) needs_image_url_ = true;
    if (!images.is("list"))
        return fmt::format("*[{} for image in {}]", part("image"), images.text());
    std::string out;
    for (const auto image : images.children())
        if (!image.is("comment")) out += (out.empty() ? "" : ", ") + part(image.text());
    return out;
}

void Request::replace(const Part& part, const std::vector<std::string>& texts) {
    if (texts.empty()) {
        const auto range = element_range(part.whole, file_.text);
        group_.edit(file_, range.begin, range.end, "", 108);
        return;
    }
    // On lines of their own where the old part was.
    const bool many = part.whole.text().find('\n') != std::string_view::npos;
    const auto between =
        many ? ",\n" + indent_at(file_.text, part.whole.start()) : std::string(", ");
    std::string text;
    for (const auto& one : texts)
        text += (text.empty() ? "" : between) + one;
    group_.edit(file_, part.whole.start(), part.whole.end(), text, 108);
}

bool Request::parts(std::vector<Part>& parts, Endpoint endpoint, bool as_call, bool must_stream) {
    std::vector<std::string> extra;
    std::string system;
    std::string images;
    const Part* prompt = nullptr;
    const Part* options_part = nullptr;
    std::vector<std::string> plain;
    bool stream_given = false;
    for (const auto& part : parts) {
        const auto& name = part.name;
        const auto value = part.value;
        if (name == "model" || name == "messages" || name == "input") {
            if (part.positional)
                group_.edit(file_, part.whole.start(), part.whole.start(),
                            name + "=" +
                                (name == "model" && !model_through_.empty() ? model_through_ + "("
                                                                            : std::string()),
                            102);
            else if (name == "model" && !model_through_.empty())
                group_.edit(file_, value.start(), value.start(), model_through_ + "(", 111);
            if (name == "model" && !model_through_.empty())
                group_.edit(file_, value.end(), value.end(), ")", 111);
            if (name == "messages" && !messages(value, as_call)) return false;
            continue;
        }
        if (name == "stream") {
            stream_given = true;
            streams_ = value.text() == "True";
            if (!streams_ && value.text() != "False")
                return fail(value, "whether it streams is decided at run time");
            continue;
        }
        if (name == "tools") {
            if (holds_functions(value))
                return fail(value, "tools that are functions: OpenAI's client wants schemas");
            continue;
        }
        if (name == "prompt" && endpoint == Endpoint::kGenerate) {
            prompt = &part;
            continue;
        }
        if (name == "prompt" && endpoint == Endpoint::kEmbeddings) {
            if (as_call)
                group_.edit(file_, part.whole.start(),
                            part.positional ? part.whole.start() : value.start(), "input=", 102);
            else
                group_.edit(file_, part.whole.start(), value.start(),
                            fmt::format("{0}input{0}: ", quote_), 108);
            continue;
        }
        if (name == "images" && endpoint == Endpoint::kGenerate) {
            images = image_parts(value, as_call);
            replace(part, {});
            continue;
        }
        if (name == "system" && endpoint == Endpoint::kGenerate) {
            system = std::string(value.text());
            replace(part, {});
            continue;
        }
        if (name == "options") {
            options_part = &part;
            if (!options(resolve(value), plain, extra, as_call)) return false;
            if (value.is("identifier")) {
                // The dictionary itself is no longer needed.
                const auto literal = resolve(value);
                const auto statement = literal.parent().parent();
                group_.edit(file_, line_begin(file_.text, statement.start()),
                            line_end(file_.text, statement.end()), "", 108);
            }
            continue;
        }
        if (name == "format") {
            const auto text = string_value(value);
            const std::string q(1, quote_);
            if (value.is("none") || (text && text->empty())) {
                replace(part, {});
            } else if (text && *text == "json") {
                replace(part,
                        {pair("response_format",
                              "{" + q + "type" + q + ": " + q + "json_object" + q + "}", as_call)});
            } else if (value.is("string")) {
                return fail(value, "a format that is not known");
            } else {
                replace(part, {pair("response_format",
                                    "{" + q + "type" + q + ": " + q + "json_schema" + q + ", " + q +
                                        "json_schema" + q + ": {" + q + "name" + q + ": " + q +
                                        "response" + q + ", " + q + "schema" + q + ": " +
                                        std::string(value.text()) + "}}",
                                    as_call)});
            }
            continue;
        }
        if (name == "keep_alive" || name == "truncate") {
            group_.note(file_, part.whole.start(),
                        name + " went: vLLM keeps its model loaded for as long as it runs", {},
                        108);
            replace(part, {});
            continue;
        }
        if (name == "think" && (value.text() == "True" || value.text() == "False")) {
            const std::string q(1, quote_);
            const auto kwargs = fmt::format(
                "{0}chat_template_kwargs{0}: {{{0}enable_thinking{0}: {1}}}", quote_, value.text());
            if (as_call)
                extra.push_back(kwargs), replace(part, {});
            else
                replace(part, {kwargs});
            continue;
        }
        return fail(part.whole, fmt::format("{} has no counterpart", name));
    }
    if (prompt != nullptr) {
        const std::string q(1, quote_);
        const auto message = [&](std::string_view role, std::string_view content) {
            return "{" + q + "role" + q + ": " + q + std::string(role) + q + ", " + q + "content" +
                   q + ": " + std::string(content) + "}";
        };
        std::string list = "[";
        if (!system.empty()) list += message("system", system) + ", ";
        const std::string text(prompt->value.text());
        list += message("user", images.empty() ? text : parts_with(text, images)) + "]";
        replace(*prompt, {pair("messages", list, as_call)});
    } else if (endpoint == Endpoint::kGenerate && !parts.empty()) {
        return fail(parts.front().whole, "a request without a prompt only loads a model");
    }
    if (!extra.empty()) {
        std::string text;
        for (const auto& one : extra)
            text += (text.empty() ? "" : ", ") + one;
        plain.push_back("extra_body={" + text + "}");
    }
    if (options_part != nullptr) {
        replace(*options_part, plain);
    } else if (!plain.empty()) {
        const auto last = parts.back().whole.end();
        std::string text;
        for (const auto& one : plain)
            text += ", " + one;
        group_.edit(file_, last, last, text, 108);
    }
    if (must_stream && !stream_given && !parts.empty())
        group_.edit(file_, parts.front().whole.start(), parts.front().whole.start(),
                    pair("stream", "True", as_call) + ", ", 108);
    return true;
}

bool Request::call(Node arguments, Endpoint endpoint) {
    std::vector<Part> all;
    std::size_t position = 0;
    const auto row = endpoint == Endpoint::kGenerate || endpoint == Endpoint::kEmbeddings ? 1
                     : endpoint == Endpoint::kEmbed                                       ? 2
                                                                                          : 0;
    for (const auto argument : arguments.children()) {
        if (argument.is("comment")) continue;
        if (argument.is("keyword_argument")) {
            all.push_back({argument, std::string(argument.field("name").text()),
                           argument.field("value"), false});
        } else if (argument.is("dictionary_splat") || argument.is("list_splat")) {
            return fail(argument, "arguments are put together at run time");
        } else if (position < 2) {
            all.push_back({argument, std::string(kPositional[row][position]), argument, true});
            ++position;
        } else {
            return fail(argument, "positional arguments that are not known");
        }
    }
    if (arguments.text().find('\'') < arguments.text().find('"')) quote_ = '\'';
    return parts(all, endpoint, true, false);
}

bool Request::body(Node dictionary, Endpoint endpoint, bool must_stream) {
    std::vector<Part> all;
    for (const auto entry : dictionary.children()) {
        if (entry.is("comment")) continue;
        const auto name = entry.is("pair") ? string_value(entry.field("key")) : std::nullopt;
        if (!name) return fail(entry, "the body is put together at run time");
        all.push_back({entry, *name, entry.field("value"), false});
    }
    if (dictionary.text().find('\'') < dictionary.text().find('"')) quote_ = '\'';
    return parts(all, endpoint, false, must_stream);
}

}  // namespace segue::rewrite::python
