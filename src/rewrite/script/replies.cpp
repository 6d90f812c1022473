#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "rewrite/script/script.hpp"

namespace segue::rewrite::script {
namespace {

/// Stands where an operator needs no parentheses.
bool roomy(Node outer) {
    const auto parent = outer.parent();
    for (const std::string_view type :
         {"variable_declarator", "expression_statement", "return_statement", "yield_expression",
          "arguments", "pair", "array", "parenthesized_expression", "template_substitution",
          "assignment_expression", "augmented_assignment_expression"})
        if (parent.is(type)) return true;
    return parent.is("arrow_function") && parent.field("body") == outer;
}

bool leaf(const std::vector<std::string>& keys) {
    return !keys.empty() && keys.back() != "message" && keys.back() != "models";
}

Node type_of(Node declarator) {
    const auto annotation = declarator.field("type");
    return annotation.count() > 0 ? annotation.at(0) : Node();
}

}  // namespace

Replies::Way Replies::way_from(Node value) const {
    Way way;
    way.root = value;
    while (true) {
        const auto parent = way.root.parent();
        if (parent.is("await_expression") || parent.is("parenthesized_expression") ||
            parent.is("as_expression") || parent.is("satisfies_expression") ||
            parent.is("non_null_expression"))
            way.root = parent;
        else
            break;
    }
    way.outer = way.root;
    while (true) {
        const auto parent = way.outer.parent();
        if (parent.is("member_expression") && parent.field("object") == way.outer) {
            const auto up = parent.parent();
            if (up.is("call_expression") && up.field("function") == parent) break;
            way.keys.emplace_back(parent.field("property").text());
        } else if (parent.is("subscript_expression") && parent.field("object") == way.outer) {
            const auto index = parent.field("index");
            if (const auto text = string_value(index))
                way.keys.push_back(*text);
            else if (index.is("number"))
                way.keys.push_back(fmt::format("[{}]", index.text()));
            else
                break;
        } else if (parent.is("non_null_expression")) {
            way.outer = parent;
            if (!way.steps.empty()) way.steps.back() = parent;
            continue;
        } else {
            break;
        }
        way.outer = parent;
        way.steps.push_back(parent);
    }
    return way;
}

void Replies::put(Node root, std::size_t end, const NewWay& fresh, Node outer) {
    const auto parent = outer.parent();
    // `x.message.content || ''` and `?? ''` say it already.
    auto after = fresh.after;
    bool tight = fresh.loose && !roomy(outer);
    if (fresh.loose && parent.is("binary_expression") && parent.field("left") == outer) {
        const auto sign =
            file_.text.substr(outer.end(), parent.field("right").start() - outer.end());
        const auto cut = after.rfind(" ?? ");
        if ((sign.find("||") != std::string::npos || sign.find("??") != std::string::npos) &&
            cut != std::string::npos) {
            after.resize(cut);
            tight = false;
        }
    }
    if (fresh.loose && (parent.is("if_statement") || parent.is("parenthesized_expression"))) {
        const auto cut = after.rfind(" ?? ''");
        const bool condition =
            parent.is("parenthesized_expression") &&
            (parent.parent().is("if_statement") || parent.parent().is("while_statement"));
        if (condition && cut != std::string::npos) after.resize(cut);
        tight = false;
    }
    if (tight || !fresh.before.empty())
        group_.edit(file_, root.start(), root.start(), (tight ? "(" : "") + fresh.before, 109);
    group_.edit(file_, root.end(), end, after + (tight ? ")" : ""), 109);
}

/// `if (chunk.done) break`: the end of the stream says it.
bool Replies::drop_done(Node outer) {
    auto condition = outer.parent();
    if (!condition.is("parenthesized_expression")) return false;
    const auto statement = condition.parent();
    if (!statement.is("if_statement") || statement.field("alternative")) return false;
    auto body = statement.field("consequence");
    if (body.is("statement_block")) {
        if (body.count() != 1) return false;
        body = body.at(0);
    }
    if (!body.is("break_statement")) return false;
    drop_statement(group_, file_, statement, 109);
    return true;
}

bool Replies::use(Node value, const Reading& reading) {
    const auto way = way_from(value);
    if (way.keys.empty()) return whole(way, reading);
    for (std::size_t size = way.keys.size(); size > 0; --size) {
        const std::vector<std::string> keys(way.keys.begin(),
                                            way.keys.begin() + static_cast<std::ptrdiff_t>(size));
        const auto last = way.steps[size - 1];
        if (reading.stream && keys == std::vector<std::string>{"done"} && drop_done(last))
            return true;
        if (reading.endpoint == Endpoint::kModels && keys.size() == 3 && keys[0] == "models" &&
            (keys[2] == "name" || keys[2] == "model")) {
            put(way.root, last.end(), {"", ".data" + keys[1] + ".id"}, last);
            return true;
        }
        auto fresh = new_way(reading, keys);
        if (!fresh) continue;
        // Who asked softly does not want an error where there is none.
        if (file_.text.substr(way.root.end(), last.end() - way.root.end()).find("?.") !=
            std::string::npos) {
            fresh->after = replace_all(fresh->after, ".choices[0].", ".choices?.[0]?.");
            fresh->after = replace_all(fresh->after, ".choices[0]?.", ".choices?.[0]?.");
            fresh->after = replace_all(fresh->after, "?.message.", "?.message?.");
        }
        if (size < way.keys.size() && !leaf(keys) && way.keys[size].front() != '[') break;
        put(way.root, last.end(), *fresh, last);
        if (keys == std::vector<std::string>{"models"}) return models(last, reading);
        if (keys == std::vector<std::string>{"message", "tool_calls"})
            return tool_calls(last, reading);
        const auto parent = last.parent();
        if (keys == std::vector<std::string>{"message"} && parent.is("variable_declarator") &&
            parent.field("name").is("identifier"))
            return message(parent.field("name"), reading);
        return true;
    }
    if (drop_other_endpoint(way, reading)) return true;
    return fail(way.outer, fmt::format("reads {} of the reply, which has no counterpart",
                                       join(way.keys, ".")));
}

/// `… || reply.response` beside a chat's text: a field of the other endpoint, which never came.
bool Replies::drop_other_endpoint(const Way& way, const Reading& reading) {
    const auto other = reading.endpoint == Endpoint::kChat
                           ? std::vector<std::string>{"response"}
                           : std::vector<std::string>{"message", "content"};
    const auto parent = way.outer.parent();
    if (way.keys != other || !parent.is("binary_expression")) return false;
    const auto left = parent.field("left");
    const auto right = parent.field("right");
    const auto sign = file_.text.substr(left.end(), right.start() - left.end());
    if (sign.find("||") == std::string::npos && sign.find("??") == std::string::npos) return false;
    if (right == way.outer)
        group_.edit(file_, left.end(), right.end(), "", 109);
    else
        group_.edit(file_, left.start(), right.start(), "", 109);
    return true;
}

bool Replies::whole(const Way& way, const Reading& reading) {
    auto node = way.outer;
    // `(await r.json()) as Reply`: the type goes the reply's way.
    for (Node inner = node; inner.is("as_expression") || inner.is("parenthesized_expression");
         inner = inner.at(0))
        if (inner.is("as_expression") && inner.count() > 1 &&
            !declared(inner.at(1).text(), inner, reading))
            return false;
    const auto parent = node.parent();
    if (parent.is("variable_declarator") && parent.field("value") == node) {
        const auto name = parent.field("name");
        if (const auto type = type_of(parent))
            if (!declared(type.text(), parent, reading)) return false;
        if (name.is("object_pattern")) return unpack(name, node, reading);
        return bind(name, reading);
    }
    if (parent.is("assignment_expression") && parent.field("right") == node)
        return bind(parent.field("left"), reading);
    if (parent.is("for_in_statement") && parent.field("right") == node) {
        if (!reading.stream) return fail(node, "loops over a reply that is no stream");
        const auto target = parent.field("left");
        if (!target.is("identifier")) return fail(target, "unpacks a chunk of the stream");
        return chunk(parent.field("body"), target.text(), target, reading);
    }
    if (parent.is("expression_statement") || parent.is("template_substitution")) return true;
    if (parent.is("arguments")) {
        const auto callee = parent.parent().field("function").text();
        if (callee.starts_with("console.") || callee.starts_with("log")) return true;
    }
    return fail(node, "hands the whole reply on: who reads it is not known");
}

/// `const { message } = await …`: one name only.
bool Replies::unpack(Node pattern, Node value, const Reading& reading) {
    if (pattern.count() != 1 || !pattern.at(0).is("shorthand_property_identifier_pattern"))
        return fail(pattern, "unpacks several fields of the reply");
    const auto name = pattern.at(0).text();
    const auto fresh = new_way(reading, {std::string(name)});
    if (!fresh)
        return fail(pattern, fmt::format("reads {} of the reply, which has no counterpart", name));
    if (name == "models") {
        group_.edit(file_, pattern.at(0).start(), pattern.at(0).end(), "data: models", 109);
        for (const auto use_of : names_in(scope_of(pattern), name)) {
            if (use_of == pattern.at(0)) continue;
            if (!models(use_of, reading)) return false;
        }
        return true;
    }
    group_.edit(file_, pattern.start(), pattern.end(), std::string(name), 109);
    const bool call = value.is("await_expression");
    group_.edit(file_, value.start(), value.start(), fresh->before + (call ? "(" : ""), 109);
    group_.edit(file_, value.end(), value.end(), (call ? ")" : "") + fresh->after, 109);
    return name != "message" || message(pattern.at(0), reading);
}

/// A name bound to `reply.message`.
bool Replies::message(Node target, const Reading& reading) {
    for (const auto name : names_in(scope_of(target), target.text())) {
        if (name == target || name.start() < target.end()) continue;
        const auto way = way_from(name);
        if (way.keys.empty()) continue;  // goes into the conversation
        const auto& field = way.keys.front();
        const auto step = way.steps.front();
        if (field == "tool_calls") {
            if (!tool_calls(step, reading)) return false;
        } else if (field == "content") {  // null beside tool calls
            put(way.root, step.end(), {"", ".content ?? ''", true}, step);
        } else if (field != "role") {
            return fail(way.outer, "reads " + field + " of the message, which has no counterpart");
        }
    }
    return true;
}

bool Replies::bind(Node target, const Reading& reading) {
    if (!target.is("identifier"))
        return fail(target, "keeps the reply where it cannot be followed");
    if (!seen_.insert(target.start()).second) return true;
    for (const auto name : names_in(scope_of(target), target.text())) {
        if (name == target || name.start() < target.end()) continue;
        const auto parent = name.parent();
        if (parent.is("assignment_expression") && parent.field("left") == name) continue;
        if (!use(name, reading)) return false;
    }
    return true;
}

bool Replies::chunk(Node scope, std::string_view name, Node binding, const Reading& reading) {
    for (const auto use_of : names_in(scope, name)) {
        if (use_of == binding) continue;
        if (!use(use_of, reading)) return false;
    }
    return true;
}

/// The list of tool calls: their arguments are JSON text in OpenAI's API.
bool Replies::tool_calls(Node list, const Reading& reading) {
    if (reading.stream)
        return fail(list, "reads tool calls of a stream: in OpenAI's API they come in pieces");
    auto node = list;
    while (node.parent().is("parenthesized_expression") ||
           node.parent().is("non_null_expression") ||
           (node.parent().is("binary_expression") && node.parent().field("left") == node))
        node = node.parent();  // … ?? []
    const auto parent = node.parent();
    if (parent.is("for_in_statement") && parent.field("right") == node)
        return tool_call_loop(parent.field("body"), parent.field("left"), reading);
    if (parent.is("if_statement") || parent.is("while_statement") ||
        parent.is("unary_expression") || parent.is("ternary_expression") ||
        parent.is("template_substitution"))
        return true;
    if (parent.is("member_expression") && parent.field("property").text() == "length") return true;
    if (parent.is("subscript_expression") && parent.field("object") == node && !reading.typed)
        return tool_call(parent);
    if (parent.is("variable_declarator") && parent.field("value") == node &&
        parent.field("name").is("identifier")) {
        const auto target = parent.field("name");
        for (const auto name : names_in(scope_of(target), target.text()))
            if (name.start() > target.end() && !tool_calls(name, reading)) return false;
        return true;
    }
    return fail(node, "hands the tool calls on: their arguments are JSON text in OpenAI's API");
}

bool Replies::tool_call_loop(Node body, Node target, const Reading& reading) {
    if (!target.is("identifier") || !body.is("statement_block"))
        return fail(target, "unpacks a tool call");
    // What answers the call names it: { role: 'tool', … }.
    body.walk([&](Node node) {
        if (!node.is("object")) return true;
        const auto role = member(node, "role");
        if (!role.is("pair") || string_value(role.field("value")) != "tool" ||
            member(node, "tool_call_id"))
            return true;
        group_.edit(file_, role.end(), role.end(),
                    fmt::format(", tool_call_id: {}.id", target.text()), 109);
        if (const auto name = member(node, "tool_name"); name.is("pair"))
            group_.edit(file_, name.field("key").start(), name.field("key").end(), "name", 109);
        return true;
    });
    if (reading.typed && body.count() > 0) {  // the package's type also knows calls of other kinds
        const auto first = body.at(0);
        group_.edit(file_, first.start(), first.start(),
                    fmt::format("if ({}.type !== {}function{}) continue{}\n{}", target.text(),
                                reading.quote, reading.quote, semicolons(file_.text) ? ";" : "",
                                indent_at(file_.text, first.start())),
                    109);
    }
    return tool_call_names(body, target);
}

bool Replies::tool_call_names(Node scope, Node target) {
    for (const auto name : names_in(scope, target.text()))
        if (!(name == target) && !tool_call(name)) return false;
    return true;
}

/// One call, or its function: `call.function.arguments`.
bool Replies::tool_call(Node call) {
    const auto way = way_from(call);
    const auto parent = way.outer.parent();
    const bool shown = parent.is("template_substitution") ||
                       (parent.is("arguments") &&
                        parent.parent().field("function").text().starts_with("console."));
    if (way.keys.empty()) {
        if (shown) return true;
        return fail(call, "hands a tool call on: its arguments are JSON text in OpenAI's API");
    }
    const std::size_t depth = way.keys.front() == "function" ? 1 : 0;
    if (way.keys.size() == depth) {
        const auto name = parent.is("variable_declarator") ? parent.field("name") : Node();
        if (name.is("identifier")) return tool_call_names(scope_of(parent), name);
        if (name.is("object_pattern")) return tool_call_fields(name);
        return fail(way.outer, "hands a tool call on: its arguments are JSON text in OpenAI's API");
    }
    const auto& field = way.keys[depth];
    if (field == "name" || field == "id" || field == "type") return true;
    if (field != "arguments") return fail(way.outer, "reads " + field + " of a tool call");
    group_.edit(file_, way.root.start(), way.root.start(), "JSON.parse(", 109);
    group_.edit(file_, way.steps[depth].end(), way.steps[depth].end(), ")", 109);
    return true;
}

/// `const { name, arguments: given } = call.function`
bool Replies::tool_call_fields(Node pattern) {
    for (const auto part : pattern.children()) {
        if (part.is("shorthand_property_identifier_pattern")) {
            if (part.text() != "name" && part.text() != "id" && part.text() != "type")
                return fail(part, "unpacks a tool call");
            continue;
        }
        const auto alias = part.field("value");
        if (!part.is("pair_pattern") || !alias.is("identifier"))
            return fail(part, "unpacks a tool call");
        if (part.field("key").text() != "arguments") continue;
        for (const auto use_of : names_in(scope_of(pattern), alias.text())) {
            if (use_of == alias || use_of.start() < pattern.end()) continue;
            const bool shorthand = use_of.is("shorthand_property_identifier");
            group_.edit(file_, use_of.start(), use_of.end(),
                        fmt::format("{}JSON.parse({})",
                                    shorthand ? std::string(alias.text()) + ": " : std::string(),
                                    alias.text()),
                        109);
        }
    }
    return true;
}

bool Replies::models(Node list, const Reading& reading) {
    const auto parent = list.parent();
    if (parent.is("for_in_statement") && parent.field("right") == list)
        return model_names(parent.field("body"), parent.field("left"), reading);
    if (parent.is("member_expression") && parent.field("object") == list) {
        const auto call = parent.parent();
        const auto method = parent.field("property").text();
        if (method == "length") return true;
        if (call.is("call_expression") &&
            (method == "map" || method == "some" || method == "find" || method == "filter" ||
             method == "forEach")) {
            const auto callback = call.field("arguments").at(0);
            auto parameter = callback.field("parameter");
            Node type;
            if (!parameter && callback.field("parameters").count() == 1) {
                parameter = callback.field("parameters").at(0);
                if (parameter.is("required_parameter")) {
                    type = parameter.field("type");
                    parameter = parameter.field("pattern");
                }
            }
            if (!parameter) return fail(callback, "hands the models to a function elsewhere");
            if (type && type.text().find("name") != std::string_view::npos)
                group_.edit(file_, type.start(), type.end(), ": { id: string }", 109);
            return model_names(callback.field("body"), parameter, reading);
        }
    }
    if (parent.is("variable_declarator") && parent.field("value") == list &&
        parent.field("name").is("identifier")) {
        const auto target = parent.field("name");
        for (const auto name : names_in(scope_of(target), target.text()))
            if (!(name == target) && name.start() > target.end() && !models(name, reading))
                return false;
        return true;
    }
    if (parent.is("binary_expression")) {  // data.models ?? []
        const auto up = parent.parent();
        if (up.is("parenthesized_expression")) return models(up, reading);
    }
    return fail(list, "hands the list of models on: their fields have other names");
}

bool Replies::model_names(Node scope, Node target, const Reading&) {
    if (!target.is("identifier")) return fail(target, "unpacks a model of the list");
    for (const auto name : names_in(scope, target.text())) {
        if (name == target) continue;
        const auto way = way_from(name);
        if (way.keys.empty() || (way.keys[0] != "name" && way.keys[0] != "model"))
            return fail(way.outer, "reads more of a model than its name");
        group_.edit(file_, way.root.end(), way.steps.front().end(), ".id", 109);
    }
    return true;
}

/// An interface of this file that says what a native reply is: it says OpenAI's then.
bool Replies::declared(std::string_view type, Node at, const Reading& reading) {
    // The package's own types become OpenAI's where they are named.
    if (reading.typed && (type == "ChatResponse" || type == "GenerateResponse")) return true;
    if (type == "any" || type == "unknown" || !types_.insert(std::string(type)).second) return true;
    Node declaration;
    root_.walk([&](Node node) {
        if ((node.is("interface_declaration") || node.is("type_alias_declaration")) &&
            node.field("name").text() == type)
            declaration = node;
        return !declaration;
    });
    if (!declaration && type.starts_with('{')) declaration = at;  // written out in place
    if (!declaration) return fail(at, fmt::format("the type {} is declared elsewhere", type));
    if (declaration.parent().is("export_statement"))
        return fail(declaration, fmt::format("the type {} is used elsewhere, too", type));
    Node body = declaration.field("body");
    if (!body) body = declaration.field("value");
    if (!body && declaration == at)
        at.walk([&](Node node) {
            if (node.is("object_type") && !body) body = node;
            return !body;
        });
    if (!body) return fail(declaration, "a type that is put together from others");
    bool usage = false;
    for (const auto property : body.children()) {
        if (!property.is("property_signature")) continue;
        const auto name = property.field("name").text();
        std::string put;
        bool drop = false;
        if (name == "message" || name == "response")
            put = reading.stream ? "choices: { delta?: { content?: string | null }; "
                                   "finish_reason?: string | null }[]"
                                 : "choices: { message: { role: string; content: string | null } "
                                   "}[]";
        else if (name == "models")
            put = "data: { id: string }[]";
        else if (name == "embeddings" || name == "embedding")
            put = "data: { embedding: number[] }[]";
        else if (name == "prompt_eval_count" || name == "eval_count") {
            if (!usage) put = "usage: { prompt_tokens: number; completion_tokens: number }";
            drop = usage;
            usage = true;
        } else if (name == "done" || name == "done_reason" || name == "created_at" ||
                   name == "context" || name.ends_with("_duration")) {
            drop = true;
        }
        if (!put.empty()) {
            group_.edit(file_, property.start(), property.end(), put, 109);
        } else if (drop) {
            const std::string_view text = file_.text;
            const auto begin = line_begin(text, property.start());
            const bool alone =
                trim(text.substr(begin, property.start() - begin)).empty() &&
                trim(text.substr(property.end(), line_end(text, property.end()) - property.end()))
                        .size() <= 1;
            auto end = property.end();
            while (end < text.size() && (text[end] == ';' || text[end] == ',' || text[end] == ' '))
                ++end;
            group_.edit(file_, alone ? begin : property.start(),
                        alone ? line_end(text, property.end()) : end, "", 109);
        }
    }
    return true;
}

bool Replies::follow(Node value, const Reading& reading) {
    return use(value, reading);
}

}  // namespace segue::rewrite::script
