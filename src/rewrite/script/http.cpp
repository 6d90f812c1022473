// final: fetch and axios on native paths: address, body and reading change together, one request at
// a time. Loops over lines of JSON become loops over server-sent events.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "rewrite/core/findings.hpp"
#include "rewrite/script/script.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace script;

class Call : public Attempt {
public:
    Call(const File& file, const Parsed& parsed, Node call, Endpoint endpoint, bool dual)
        : Attempt(file, 103,
                  fmt::format("the request of line {} in {}", line_number(file.text, call.start()),
                              file.path)),
          dual_(dual),
          typed_(parsed.typed()),
          root_(root_of(*parsed.tree)),
          call_(call),
          endpoint_(endpoint) {
        const auto callee = call.field("function").text();
        axios_ = callee.starts_with("axios") || callee.find("http") != std::string_view::npos ||
                 callee.find("api") != std::string_view::npos || callee.ends_with(".post") ||
                 callee.ends_with(".get");
    }

    bool run(Range path, Node text) {
        group_.edit(file_, path.begin, path.end, std::string(path_of(endpoint_)), 103);
        if (dual_ && !address(path, text)) return false;
        if (endpoint_ == Endpoint::kHealth) return true;
        const auto parse = line_parse();
        if (endpoint_ != Endpoint::kModels && !body(static_cast<bool>(parse))) return false;
        return parse ? stream(parse) : reading();
    }

private:
    /// dual: what stands before the path goes through the module.
    bool address(Range path, Node text) {
        Node base;
        if (text.parent().is("binary_expression") && text.parent().field("right") == text) {
            base = text.parent().field("left");
        } else if (text.is("template_string") && text.at(0).is("template_substitution") &&
                   text.at(0).end() == path.begin) {
            base = text.at(0).at(0);
        } else if (const auto literal = string_value(text);
                   literal && literal->starts_with("http")) {
            const auto host = file_.text.substr(text.start() + 1, path.begin - text.start() - 1);
            group_.edit(file_, text.start(), path.begin, "`${aiClient.address('" + host + "')}",
                        104);
            group_.edit(file_, text.end() - 1, text.end(), "`", 104);
            return true;
        }
        if (!base) return fail(text, "its address is put together in a way that is not known");
        group_.edit(file_, base.start(), base.start(), "aiClient.address(", 104);
        group_.edit(file_, base.end(), base.end(), ")", 104);
        return true;
    }

    /// JSON.parse(line) in a function that reads the body piece by piece.
    Node line_parse() const {
        const auto scope = scope_of(call_);
        const auto text = scope.text();
        if (text.find("getReader") == text.npos && text.find("readline") == text.npos &&
            text.find("for await") == text.npos && text.find("TextDecoder") == text.npos)
            return {};
        Node found;
        scope.walk([&](Node node) {
            if (node.is("call_expression") && node.field("function").text() == "JSON.parse" &&
                node.start() > call_.end())
                found = found ? found : node;
            return true;
        });
        return found;
    }

    bool body(bool must_stream) {
        Node literal;
        const auto arguments = call_.field("arguments");
        if (!axios_) {
            const auto settings = arguments.count() > 1 ? arguments.at(1) : Node();
            const auto given = settings.is("object") ? member(settings, "body") : Node();
            auto value = given.is("pair") ? given.field("value") : given;
            value = literal_of(value);
            if (value.is("call_expression") && value.field("function").text() == "JSON.stringify") {
                literal = literal_of(without_type(value.field("arguments").at(0)));
                typed_json(settings, given);
            }
        } else {
            auto value = arguments.count() > 1 ? arguments.at(1) : Node();
            if (value.is("call_expression") && value.field("function").text() == "JSON.stringify")
                value = value.field("arguments").at(0);
            literal = literal_of(without_type(value));
            if (!value && arguments.count() == 1 && arguments.at(0).is("object")) {
                const auto data = member(arguments.at(0), "data");
                literal = literal_of(data.is("pair") ? data.field("value") : data);
            }
        }
        if (!literal.is("object")) return fail(call_, "sends a body that cannot be seen here");
        Request request(*this, typed_);
        if (dual_) request.model_through("aiClient.model");
        return request.object(literal, endpoint_, false, must_stream);
    }

    /// Ollama asked for no content type; OpenAI's servers do.
    void typed_json(Node settings, Node body) {
        const auto headers = member(settings, "headers");
        const char q = quote_of(file_.text);
        const auto type = fmt::format("{0}Content-Type{0}: {0}application/json{0}", q);
        if (!headers) {
            const auto indent = indent_at(file_.text, body.start());
            const bool alone = body.start() == line_begin(file_.text, body.start()) + indent.size();
            group_.edit(file_, body.start(), body.start(),
                        "headers: { " + type + " }," + (alone ? "\n" + indent : " "), 108);
            return;
        }
        if (to_lower(file_.text).find("content-type") != std::string::npos) return;
        const auto value = headers.is("pair") ? headers.field("value") : Node();
        if (value.is("object"))
            group_.edit(file_, value.start() + 1, value.start() + 1,
                        " " + type + (value.count() > 0 ? "," : " "), 108);
        else
            group_.note(file_, headers.start(), "these headers have to say what the body is", type,
                        108);
    }

    /// `{…} as OllamaRequest`: what the request is now has another type. A declaration that nobody
    /// else uses goes with it.
    Node without_type(Node value) {
        while (value.is("as_expression") || value.is("satisfies_expression")) {
            const auto inner = value.at(0);
            const auto type = value.at(1);
            group_.edit(file_, inner.end(), value.end(), "", 108);
            Node declaration;
            std::size_t uses = 0;
            root_.walk([&](Node node) {
                if (node.is("type_identifier") && node.text() == type.text()) {
                    ++uses;
                    if (node.parent().is("interface_declaration") ||
                        node.parent().is("type_alias_declaration"))
                        declaration = node.parent();
                }
                return true;
            });
            if (declaration && uses == 2 && !declaration.parent().is("export_statement"))
                drop_statement(group_, file_, declaration, 108);
            value = inner;
        }
        return value;
    }

    /// A name that is bound once, to a literal.
    static Node literal_of(Node value) {
        if (!value.is("identifier") && !value.is("shorthand_property_identifier")) return value;
        Node found;
        for (const auto name : names_in(scope_of(value), value.text())) {
            const auto parent = name.parent();
            if (parent.is("variable_declarator") && parent.field("name") == name) {
                if (found) return value;
                found = parent.field("value");
            } else if (!(name == value)) {
                return value;  // changed or read elsewhere
            }
        }
        return found ? found : value;
    }

    bool reading() {
        const Reading reading{endpoint_, false, Writing::kScript, '\'', false, typed_};
        Replies replies(*this, root_);
        Node value = call_;
        while (value.parent().is("await_expression") ||
               value.parent().is("parenthesized_expression") || value.parent().is("as_expression"))
            value = value.parent();
        const auto parent = value.parent();
        if (parent.is("variable_declarator") && parent.field("value") == value) {
            const auto name = parent.field("name");
            if (name.is("object_pattern")) {
                // const { data } = await axios.post(…)
                if (axios_ && name.count() == 1 && name.at(0).text() == "data") {
                    for (const auto use : names_in(scope_of(name), "data"))
                        if (!(use == name.at(0)) && use.start() > name.end())
                            if (!replies.follow(use, reading)) return false;
                    return generic(call_, reading, replies);
                }
                return fail(name, "unpacks the response");
            }
            if (!name.is("identifier")) return fail(name, "unpacks the response");
            for (const auto use : names_in(scope_of(name), name.text())) {
                if (use == name || use.start() < name.end()) continue;
                if (!response_use(use, reading, replies)) return false;
            }
            return generic(call_, reading, replies);
        }
        if (parent.is("assignment_expression") && parent.field("right") == value &&
            parent.field("left").is("identifier")) {
            const auto name = parent.field("left");
            for (const auto use : names_in(scope_of(name), name.text()))
                if (use.start() > name.end() && !response_use(use, reading, replies)) return false;
            return true;
        }
        if (parent.is("member_expression") || parent.is("expression_statement"))
            return response_use(value, reading, replies);
        return fail(value, "hands the response on: who reads it is not known");
    }

    /// axios.post<Reply>(…): the type goes the reply's way.
    bool generic(Node call, const Reading&, Replies&) {
        const auto types = call.field("type_arguments");
        if (!types) return true;
        return fail(types, "names the type of the reply here: change it by hand");
    }

    bool response_use(Node use, const Reading& reading, Replies& replies) {
        Node response = use;
        while (response.parent().is("await_expression") ||
               response.parent().is("parenthesized_expression") ||
               response.parent().is("non_null_expression"))
            response = response.parent();
        const auto parent = response.parent();
        if (parent.is("member_expression") && parent.field("object") == response) {
            const auto name = parent.field("property").text();
            if (axios_ && name == "data") return replies.follow(parent, reading);
            if (!axios_ && name == "json" && parent.parent().is("call_expression"))
                return replies.follow(parent.parent(), reading);
            static constexpr std::string_view kNeutral[] = {
                "ok", "status", "statusText", "text", "headers", "clone", "url", "catch"};
            if (std::find(std::begin(kNeutral), std::end(kNeutral), name) != std::end(kNeutral))
                return true;
            return fail(parent, fmt::format("reads {} of the response", name));
        }
        if (parent.is("unary_expression") || parent.is("expression_statement")) return true;
        return fail(use, "hands the response on: who reads it is not known");
    }

    /// `const chunk = JSON.parse(line)`: the line is an event's data.
    bool stream(Node parse) {
        const auto argument = parse.field("arguments").at(0);
        std::string line(argument.text());
        if (argument.is("call_expression") && argument.field("function").is("member_expression"))
            line = std::string(argument.field("function").field("object").text());
        if (line.find_first_of("([{ ") != std::string::npos)
            return fail(argument, "does not parse one line of the stream");
        auto value = parse;
        while (value.parent().is("as_expression") || value.parent().is("parenthesized_expression"))
            value = value.parent();
        const auto declarator = value.parent();
        if (!declarator.is("variable_declarator") || !declarator.field("name").is("identifier"))
            return fail(parse, "does not keep the parsed line under a name");
        const auto statement = declarator.parent();
        // The loop or the callback whose turn one line is.
        Node turn = statement;
        while (turn && !turn.is("for_in_statement") && !turn.is("arrow_function") &&
               !turn.is("while_statement") && !turn.is("for_statement"))
            turn = turn.parent();
        const bool callback = turn.is("arrow_function");
        if (!turn || turn.is("while_statement") || turn.is("for_statement"))
            return fail(statement, "reads the lines of the stream in a way that is not known");
        const auto name = declarator.field("name").text();
        const auto indent = indent_at(file_.text, statement.start());
        const std::string skip = callback ? "return" : "continue";
        const std::string end = semicolons(file_.text) ? ";" : "";
        group_.edit(file_, statement.start(), statement.start(),
                    fmt::format("if (!{0}.startsWith('data: ') || {0}.trim() === 'data: [DONE]') "
                                "{1}{2}\n{3}",
                                line, skip, end, indent),
                    109);
        group_.edit(file_, argument.start(), argument.end(), line + ".slice(6)", 109);
        group_.edit(file_, statement.end(), statement.end(),
                    fmt::format("\n{}if (!{}.choices?.length) {}{}", indent, name, skip, end), 109);
        Replies replies(*this, root_);
        const Reading reading{endpoint_, true, Writing::kScript, '\'', false, typed_};
        return replies.follow(value, reading);  // its declared type, and what reads it
    }

    bool dual_;
    bool typed_;
    Node root_;
    Node call_;
    Endpoint endpoint_;
    bool axios_ = false;
};

Node call_of(Node text) {
    Node node = text;
    while (node.parent().is("binary_expression") || node.parent().is("parenthesized_expression"))
        node = node.parent();
    auto parent = node.parent();
    if (parent.is("arguments")) {
        const auto owner = parent.parent();
        if (owner.is("new_expression")) return call_of(owner);  // new URL(path, base)
        if (owner.is("call_expression")) return owner;
    }
    if (parent.is("pair") && parent.field("key").text() == "url" &&
        parent.parent().parent().is("arguments"))
        return parent.parent().parent().parent();
    if (parent.is("variable_declarator") && parent.field("value") == node &&
        parent.field("name").is("identifier")) {
        const auto bound = parent.field("name");
        return only_call_with(names_in(scope_of(parent), bound.text()), bound, "arguments");
    }
    return {};
}

bool sends(Node call) {
    const auto callee = call.field("function");
    if (callee.is("member_expression")) {
        const auto name = callee.field("property").text();
        return name == "post" || name == "get" || name == "request" || name == "fetch";
    }
    return callee.text() == "fetch" || callee.text() == "axios" || callee.text() == "$fetch";
}

}  // namespace

Groups script_http(const Workspace& workspace, const Context& context) {
    const bool dual = context.settings.step == Step::kDual;
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || !is_script(file.language()) || file.form.test) continue;
        const FileFindings findings(file, context.report);
        Parsed parsed;
        for (const auto& [begin, list] : findings.lines()) {
            if (!findings.has(begin, 103)) continue;
            if (!parsed.tree) parse(file, parsed);
            if (!parsed.tree) break;
            const auto line = line_around(file.text, begin);
            const auto native = audit::find_native_path(line);
            if (!native) continue;
            const Range place{begin + native->begin, begin + native->end};
            const auto endpoint =
                endpoint_of_path(line.substr(native->begin, native->end - native->begin));
            Node text;
            root_of(*parsed.tree).walk([&](Node node) {
                if (node.start() > place.begin || node.end() < place.end) return false;
                if (node.is("string") || node.is("template_string")) text = node;
                return true;
            });
            if (!text) continue;
            Group told;
            told.rule = 103;
            const auto call = call_of(text);
            if (!endpoint || !call || !sends(call)) {
                told.note(file, place.begin,
                          endpoint ? "a path of Ollama's API whose request cannot be seen here"
                                   : "a call that has no counterpart in OpenAI's API",
                          endpoint ? std::string(path_of(*endpoint))
                                   : "models are chosen when vLLM starts");
                groups.push_back(std::move(told));
                continue;
            }
            Call request(file, parsed, call, *endpoint, dual);
            if (request.run(place, text)) {
                groups.push_back(request.take());
            } else {
                told.note(
                    file, request.where(), "this request stays native: " + request.why(),
                    fmt::format("ask {} and read choices[0].message.content", path_of(*endpoint)));
                groups.push_back(std::move(told));
            }
        }
    }
    return groups;
}

}  // namespace segue::rewrite
