#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "rewrite/python/python.hpp"

namespace segue::rewrite::python {
namespace {

/// Stands where an operator needs no parentheses.
bool roomy(Node outer) {
    const auto parent = outer.parent();
    for (const std::string_view type :
         {"assignment", "expression_statement", "return_statement", "yield", "argument_list",
          "keyword_argument", "pair", "list", "parenthesized_expression", "interpolation",
          "expression_list", "generator_expression", "list_comprehension", "if_clause"})
        if (parent.is(type)) return true;
    if (parent.is("if_statement") || parent.is("while_statement"))
        return parent.field("condition") == outer;
    return false;
}

bool leaf(const std::vector<std::string>& keys) {
    return !keys.empty() && keys.back() != "message" && keys.back() != "models";
}

bool is_logging(Node call) {
    const auto name = to_lower(call.field("function").text());
    return name == "print" || name.starts_with("log") || name.find(".debug") != name.npos ||
           name.find("pprint") != name.npos;
}

}  // namespace

Reading Replies::quoted(Reading reading, Node at) const {
    // Inside an f-string the other quote, as older Pythons demand.
    for (Node up = at; up; up = up.parent())
        if (up.is("interpolation")) {
            const auto outer = up.parent().text();
            reading.quote = outer.find('\'') < outer.find('"') ? '"' : '\'';
            return reading;
        }
    return reading;
}

Replies::Way Replies::way_from(Node value) const {
    Way way;
    way.root = value;
    while (way.root.parent().is("await") || way.root.parent().is("parenthesized_expression"))
        way.root = way.root.parent();
    way.outer = way.root;
    while (true) {
        const auto parent = way.outer.parent();
        if (parent.is("attribute") && parent.field("object") == way.outer) {
            const auto name = parent.field("attribute").text();
            const auto call = parent.parent();
            const bool called = call.is("call") && call.field("function") == parent;
            if (name == "get" && called) {
                const auto arguments = call.field("arguments");
                const auto key =
                    arguments.count() > 0 ? string_value(arguments.at(0)) : std::nullopt;
                if (!key) break;
                way.otherwise = arguments.count() > 1 ? std::string(arguments.at(1).text()) : "";
                way.keys.push_back(*key);
                way.outer = call;
            } else if (called) {
                break;  // a method of the value itself: .strip()
            } else {
                way.keys.emplace_back(name);
                way.outer = parent;
            }
        } else if (parent.is("subscript") && parent.field("value") == way.outer) {
            const auto key = parent.field("subscript");
            if (const auto text = string_value(key))
                way.keys.push_back(*text);
            else if (key.is("integer") || key.is("unary_operator"))
                way.keys.push_back(fmt::format("[{}]", key.text()));
            else
                break;
            way.outer = parent;
        } else {
            break;
        }
        way.steps.push_back(way.outer);
    }
    return way;
}

void Replies::put(Node root, std::size_t end, const NewWay& fresh, Node outer) {
    auto after = fresh.after;
    bool tight = fresh.loose && !roomy(outer);
    // `x["message"]["content"] or y` says it already.
    const auto parent = outer.parent();
    if (const auto cut = after.rfind(" or ");
        parent.is("boolean_operator") && parent.field("left") == outer && cut != after.npos &&
        cut + 6 == after.size() &&
        file_.text.substr(outer.end(), parent.field("right").start() - outer.end()).find("or") !=
            std::string::npos) {
        after.resize(cut);
        tight = false;
    }
    if (tight || !fresh.before.empty())
        group_.edit(file_, root.start(), root.start(), (tight ? "(" : "") + fresh.before, 109);
    group_.edit(file_, root.end(), end, after + (tight ? ")" : ""), 109);
}

/// `if chunk["done"]: break`: the end of the stream says it.
bool Replies::drop_done(Node outer) {
    const auto statement = outer.parent();
    if (!statement.is("if_statement") || !(statement.field("condition") == outer)) return false;
    if (statement.field("alternative")) return false;
    const auto body = statement.field("consequence");
    if (body.count() != 1 || !body.at(0).is("break_statement")) return false;
    drop_statement(group_, file_, statement, 109);
    return true;
}

bool Replies::use(Node value, const Reading& plain) {
    const auto way = way_from(value);
    if (way.keys.empty()) return whole(way, plain);
    const auto reading = quoted(plain, way.outer);
    for (std::size_t size = way.keys.size(); size > 0; --size) {
        const std::vector<std::string> keys(way.keys.begin(),
                                            way.keys.begin() + static_cast<std::ptrdiff_t>(size));
        const auto last = way.steps[size - 1];
        if (reading.stream && keys == std::vector<std::string>{"done"} && drop_done(last))
            return true;
        // A model of the list: its name.
        if (reading.endpoint == Endpoint::kModels && keys.size() == 3 && keys[0] == "models" &&
            (keys[2] == "name" || keys[2] == "model")) {
            const bool object = reading.writing == Writing::kPythonObject;
            put(way.root, last.end(),
                {"", (object ? ".data" : "[\"data\"]") + keys[1] + (object ? ".id" : "[\"id\"]")},
                last);
            return true;
        }
        auto fresh = new_way(reading, keys);
        if (!fresh) continue;
        // Who asked softly does not want an error where there is none.
        const auto old =
            std::string_view(file_.text).substr(way.root.end(), last.end() - way.root.end());
        const auto q = std::string(1, reading.quote);
        if (const auto way_to = "[" + q + "choices" + q + "][0][" + q + "message" + q + "][" + q +
                                "content" + q + "]";
            old.find(".get(") != old.npos && fresh->after.starts_with(way_to))
            fresh->after = ".get(" + q + "choices" + q + ", [{}])[0].get(" + q + "message" + q +
                           ", {}).get(" + q + "content" + q + ")" +
                           fresh->after.substr(way_to.size());
        if (const auto list = "[" + q + "data" + q + "]";
            old.starts_with(".get(") && fresh->after == list)
            fresh->after = ".get(" + q + "data" + q + ", " +
                           (way.otherwise.empty() ? "[]" : way.otherwise) + ")";
        if (size < way.keys.size() && !leaf(keys) && way.keys[size].front() != '[') break;
        if (size == way.keys.size() && !way.otherwise.empty() && way.otherwise != "{}" &&
            !fresh->loose && (keys.back() == "content" || keys.back() == "response")) {
            fresh->after += " or " + way.otherwise;
            fresh->loose = true;
        }
        if (keys == std::vector<std::string>{"models"}) {
            put(way.root, last.end(), *fresh, last);
            return models(last, reading);
        }
        if (keys == std::vector<std::string>{"message", "tool_calls"}) {
            put(way.root, last.end(), *fresh, last);
            return tool_calls(last, reading);
        }
        put(way.root, last.end(), *fresh, last);
        if (keys == std::vector<std::string>{"message"}) {
            const auto parent = last.parent();
            if (parent.is("assignment") && parent.field("right") == last)
                return bind(parent.field("left"), reading, true);
        }
        return true;
    }
    if (drop_other_endpoint(way, reading)) return true;
    return fail(way.outer, fmt::format("reads {} of the reply, which has no counterpart",
                                       way.outer.text().substr(way.root.text().size())));
}

/// `… or reply.response` beside a chat's text: a field of the other endpoint, which never came.
bool Replies::drop_other_endpoint(const Way& way, const Reading& reading) {
    const auto other = reading.endpoint == Endpoint::kChat
                           ? std::vector<std::string>{"response"}
                           : std::vector<std::string>{"message", "content"};
    const auto parent = way.outer.parent();
    if (way.keys != other || !parent.is("boolean_operator")) return false;
    const auto left = parent.field("left");
    const auto right = parent.field("right");
    if (file_.text.substr(left.end(), right.start() - left.end()).find("or") == std::string::npos)
        return false;
    if (right == way.outer)
        group_.edit(file_, left.end(), right.end(), "", 109);
    else
        group_.edit(file_, left.start(), right.start(), "", 109);
    return true;
}

bool Replies::whole(const Way& way, const Reading& reading) {
    const auto node = way.outer;
    const auto parent = node.parent();
    if (parent.is("assignment") && parent.field("right") == node)
        return bind(parent.field("left"), reading, false);
    if (parent.is("for_statement") && parent.field("right") == node) {
        if (!reading.stream) return fail(node, "loops over a reply that is no stream");
        return loop(parent.field("left"), parent.field("body"), {}, reading);
    }
    if (parent.is("for_in_clause") && parent.field("right") == node) {
        if (!reading.stream) return fail(node, "loops over a reply that is no stream");
        return loop(parent.field("left"), parent.parent(), parent, reading);
    }
    if (parent.is("expression_statement")) return true;
    if (parent.is("argument_list") && is_logging(parent.parent())) return true;
    if (parent.is("interpolation") || parent.is("not_operator")) return true;
    if (parent.is("if_statement") && parent.field("condition") == node) return true;
    if (parent.is("return_statement")) return returned(parent, reading);
    return fail(node, "hands the whole reply on: who reads it is not known");
}

bool Replies::returned(Node statement, const Reading& reading) {
    const auto function = scope_of(statement);
    if (!function.is("function_definition") || function.parent().is("decorated_definition"))
        return fail(statement, "answers with the whole native reply: its readers are elsewhere");
    if (!seen_.insert(function.start()).second) return true;
    const auto name = function.field("name").text();
    Node root = function;
    while (root.parent())
        root = root.parent();
    bool fine = true;
    std::size_t calls = 0;
    root.walk([&](Node node) {
        if (!fine || !node.is("call")) return fine;
        const auto callee = node.field("function");
        const bool by_name = callee.is("identifier") && callee.text() == name;
        const bool by_self = callee.is("attribute") && callee.field("attribute").text() == name &&
                             callee.field("object").text() == "self";
        if (by_name || by_self) {
            ++calls;
            fine = use(node, reading);
        }
        return fine;
    });
    if (fine && calls == 0)
        return fail(statement, "hands the whole reply on: who reads it is not known");
    return fine;
}

bool Replies::bind(Node target, const Reading& reading, bool message) {
    if (!target.is("identifier"))
        return fail(target, "keeps the reply where it cannot be followed");
    const auto scope = scope_of(target);
    if (!seen_.insert(target.start()).second) return true;
    for (const auto name : names_in(scope, target.text())) {
        const auto parent = name.parent();
        if (parent.is("assignment") && parent.field("left") == name) continue;
        // Only what comes after, up to the next binding of the same name.
        if (name.start() < target.end()) continue;
        bool rebound = false;
        for (const auto other : names_in(scope, target.text())) {
            const auto up = other.parent();
            if (up.is("assignment") && up.field("left") == other && other.start() > target.end() &&
                up.end() <= name.start() && !(other.start() == target.start()))
                rebound = true;
        }
        if (rebound) continue;
        if (!(message ? message_use(name, reading) : use(name, reading))) return false;
    }
    return true;
}

/// A name bound to `reply["message"]`.
bool Replies::message_use(Node name, const Reading& reading) {
    const auto way = way_from(name);
    if (way.keys.empty()) return true;  // appended to the conversation, printed
    if (way.keys.front() != "content" && way.keys.front() != "role" &&
        way.keys.front() != "tool_calls")
        return fail(way.outer, fmt::format("reads {} of the message, which has no counterpart",
                                           way.keys.front()));
    NewWay fresh{"",
                 reading.writing == Writing::kPythonObject
                     ? "." + way.keys.front()
                     : file_.text.substr(way.root.end(), way.steps.front().end() - way.root.end())};
    const auto last = way.steps.front();
    if (way.keys.front() == "content") {  // null beside tool calls
        fresh.after += " or " + std::string(2, quoted(reading, last).quote);
        fresh.loose = true;
    }
    if (fresh.loose || reading.writing == Writing::kPythonObject)
        put(way.root, last.end(), fresh, last);
    return way.keys.front() != "tool_calls" || tool_calls(last, reading);
}

/// The list of tool calls: their arguments are JSON text in OpenAI's API.
bool Replies::tool_calls(Node list, const Reading& reading) {
    if (reading.stream)
        return fail(list, "reads tool calls of a stream: in OpenAI's API they come in pieces");
    auto node = list;
    while (node.parent().is("boolean_operator") || node.parent().is("parenthesized_expression"))
        node = node.parent();  // … or []
    const auto parent = node.parent();
    if (parent.is("for_statement") && parent.field("right") == node)
        return tool_call_loop(parent.field("body"), parent.field("left"), reading);
    if (parent.is("for_in_clause") && parent.field("right") == node)
        return tool_call_loop(parent.parent(), parent.field("left"), reading);
    if (parent.is("if_statement") || parent.is("not_operator") || parent.is("while_statement") ||
        parent.is("interpolation") || parent.is("comparison_operator") ||
        parent.is("conditional_expression"))
        return true;
    if (parent.is("argument_list")) {
        const auto callee = parent.parent().field("function").text();
        if (callee == "len" || callee == "bool" || is_logging(parent.parent())) return true;
    }
    if (parent.is("subscript") && parent.field("value") == node)
        return parent.parent().is("assignment") && parent.parent().field("left").is("identifier")
                   ? tool_call_names(scope_of(node), parent.parent().field("left"), reading)
                   : tool_call(parent, reading);
    if (parent.is("assignment") && parent.field("right") == node &&
        parent.field("left").is("identifier")) {
        const auto target = parent.field("left");
        for (const auto name : names_in(scope_of(target), target.text()))
            if (name.start() > target.end() && !tool_calls(name, reading)) return false;
        return true;
    }
    return fail(node, "hands the tool calls on: their arguments are JSON text in OpenAI's API");
}

bool Replies::tool_call_loop(Node body, Node target, const Reading& reading) {
    if (!target.is("identifier")) return fail(target, "unpacks a tool call");
    // What answers the call names it: {"role": "tool", …}.
    bool fine = true;
    body.walk([&](Node node) {
        if (!node.is("dictionary")) return fine;
        bool tool = false;
        bool named = false;
        for (const auto entry : node.children()) {
            const auto key = entry.is("pair") ? string_value(entry.field("key")) : std::nullopt;
            if (!key) continue;
            tool = tool || (*key == "role" && string_value(entry.field("value")) == "tool");
            named = named || *key == "tool_call_id";
            if (*key == "tool_name") {
                const auto at = entry.field("key");
                group_.edit(file_, at.start() + 1, at.end() - 1, "name", 109);
            }
        }
        if (!tool || named) return fine;
        const auto first = node.at(0);
        const char q = first.text().front() == '\'' ? '\'' : '"';
        const auto id = reading.writing == Writing::kPythonObject
                            ? fmt::format("{}.id", target.text())
                            : fmt::format("{0}[{1}id{1}]", target.text(), q);
        group_.edit(file_, first.end(), first.end(),
                    fmt::format(", {0}tool_call_id{0}: {1}", q, id), 109);
        return fine;
    });
    return tool_call_names(body, target, reading);
}

bool Replies::tool_call_names(Node scope, Node target, const Reading& reading) {
    for (const auto name : names_in(scope, target.text()))
        if (!(name == target) && !tool_call(name, reading)) return false;
    return true;
}

/// One call, or its function: `call.function.arguments`, `call["function"]["arguments"]`.
bool Replies::tool_call(Node call, const Reading& reading) {
    const auto way = way_from(call);
    const auto parent = way.outer.parent();
    const bool shown =
        parent.is("interpolation") || (parent.is("argument_list") && is_logging(parent.parent()));
    if (way.keys.empty() && shown) return true;
    const std::size_t depth = !way.keys.empty() && way.keys.front() == "function" ? 1 : 0;
    // The package's own client answers with objects, whatever the old one took.
    const auto object = [&](std::string_view path, std::string_view behind) {
        const auto end = way.steps[way.keys.size() == depth ? 0 : depth].end();
        if (reading.writing == Writing::kPythonObject)
            group_.edit(file_, way.root.end(), end, std::string(path) + std::string(behind), 109);
        else if (!behind.empty())
            group_.edit(file_, end, end, std::string(behind), 109);
    };
    if (way.keys.size() == depth) {
        if (depth == 1 && parent.is("assignment") && parent.field("left").is("identifier")) {
            object(".function", "");
            return tool_call_names(scope_of(parent), parent.field("left"), reading);
        }
        return fail(call, "hands a tool call on: its arguments are JSON text in OpenAI's API");
    }
    const auto& field = way.keys[depth];
    const auto path = (depth == 1 ? ".function." : ".") + field;
    if (field == "name" || field == "id" || field == "type") {
        object(path, "");
        return true;
    }
    if (field != "arguments") return fail(way.outer, "reads " + field + " of a tool call");
    group_.edit(file_, way.root.start(), way.root.start(), "json.loads(", 109);
    object(path, ")");
    attempt_.wants("json");
    return true;
}

bool Replies::loop(Node target, Node body, Node clause, const Reading& reading) {
    if (!target.is("identifier")) return fail(target, "unpacks a chunk of the stream");
    const auto name = target.text();
    const std::string test = reading.writing == Writing::kPythonObject
                                 ? fmt::format("{}.choices", name)
                                 : fmt::format("{}[\"choices\"]", name);
    if (!clause) {
        const auto indent = indent_at(file_.text, body.start());
        const auto step = body.start() - line_begin(file_.text, body.start()) == indent.size()
                              ? std::string("    ")
                              : std::string();
        if (step.empty()) return fail(body, "a loop on one line");
        group_.edit(file_, body.start(), body.start(),
                    fmt::format("if not {}:\n{}{}continue\n{}", test, indent, step, indent), 109);
    } else {
        group_.edit(file_, clause.end(), clause.end(), " if " + test, 109);
    }
    return chunk(body, name, target, reading);
}

bool Replies::chunk(Node scope, std::string_view name, Node binding, const Reading& reading) {
    for (const auto use_of : names_in(scope, name)) {
        if (use_of == binding) continue;
        const auto parent = use_of.parent();
        if (parent.is("assignment") && parent.field("left") == use_of) continue;
        if (parent.is("for_in_clause") && parent.field("left") == use_of) continue;
        if (!use(use_of, reading)) return false;
    }
    return true;
}

/// The list of models: its elements' names become ids.
bool Replies::models(Node list, const Reading& reading) {
    const auto parent = list.parent();
    if (parent.is("for_statement") && parent.field("right") == list)
        return model_names(parent.field("body"), parent.field("left"), reading);
    if (parent.is("for_in_clause") && parent.field("right") == list)
        return model_names(parent.parent(), parent.field("left"), reading);
    if (parent.is("assignment") && parent.field("right") == list &&
        parent.field("left").is("identifier")) {
        const auto target = parent.field("left");
        for (const auto name : names_in(scope_of(target), target.text())) {
            if (name == target || name.start() < target.end()) continue;
            if (!models(name, reading)) return false;
        }
        return true;
    }
    if (parent.is("argument_list") && parent.parent().field("function").text() == "len")
        return true;
    return fail(list, "hands the list of models on: their fields have other names");
}

bool Replies::model_names(Node scope, Node target, const Reading& reading) {
    if (!target.is("identifier")) return fail(target, "unpacks a model of the list");
    for (const auto name : names_in(scope, target.text())) {
        if (name == target) continue;
        const auto way = way_from(name);
        if (way.keys.size() != 1 || (way.keys[0] != "name" && way.keys[0] != "model"))
            return fail(way.outer, "reads more of a model than its name");
        const auto q = std::string(1, quoted(reading, way.outer).quote);
        group_.edit(file_, way.root.end(), way.outer.end(),
                    reading.writing == Writing::kPythonObject ? ".id" : "[" + q + "id" + q + "]",
                    109);
    }
    return true;
}

bool Replies::follow(Node value, const Reading& reading) {
    return use(value, reading);
}

}  // namespace segue::rewrite::python
