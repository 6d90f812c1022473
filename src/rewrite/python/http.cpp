// final: requests, httpx and aiohttp on native paths: address, body and reading change together,
// one request at a time.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "rewrite/code/dual.hpp"
#include "rewrite/core/findings.hpp"
#include "rewrite/python/request.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace python;

/// Which library reads the stream: it decides whether lines are bytes.
enum class Lines : std::uint8_t { kBytes, kText };

class Call : public Attempt {
public:
    Call(const File& file, Node call, Endpoint endpoint, bool dual)
        : Attempt(file, 103,
                  fmt::format("the request of line {} in {}", line_number(file.text, call.start()),
                              file.path)),
          call_(call),
          endpoint_(endpoint),
          dual_(dual) {}

    /// `path` is the native path's place inside a string of the file.
    bool run(Range path, Node text) {
        group_.edit(file_, path.begin, path.end, std::string(path_of(endpoint_)), 103);
        if (dual_ && !address(path, text)) return false;
        if (endpoint_ == Endpoint::kHealth) return true;
        find_response();
        const bool ndjson = reads_lines();
        if (endpoint_ != Endpoint::kModels && !body(ndjson)) return false;
        return reading(ndjson);
    }

private:
    /// dual: what stands before the path goes through the module.
    bool address(Range path, Node text) {
        constexpr std::string_view kThrough = "ai_client.address(";
        Node base;
        if (text.parent().is("binary_operator") && text.parent().field("right") == text) {
            base = text.parent().field("left");
        } else if (text.at(1).is("interpolation") && text.at(1).end() == path.begin) {
            base = text.at(1).at(0);
        } else if (const auto literal = string_value(text);
                   literal && literal->starts_with("http")) {
            const auto host =
                file_.text.substr(text.at(1).start(), path.begin - text.at(1).start());
            group_.edit(file_, text.start(), path.begin,
                        fmt::format("f\"{{{}'{}')}}", kThrough, host), 104);
            if (text.text().back() != '"')
                group_.edit(file_, text.end() - 1, text.end(), "\"", 104);
            return true;
        }
        if (!base) return fail(text, "its address is put together in a way that is not known");
        group_.edit(file_, base.start(), base.start(), std::string(kThrough), 104);
        group_.edit(file_, base.end(), base.end(), ")", 104);
        return true;
    }

    /// The name that the response gets, and the scope in which it is read.
    void find_response() {
        root_ = call_;
        while (root_.parent().is("await") || root_.parent().is("parenthesized_expression"))
            root_ = root_.parent();
        const auto parent = root_.parent();
        if (parent.is("assignment") && parent.field("right") == root_)
            response_ = parent.field("left");
        else if (parent.is("as_pattern") && parent.at(0) == root_)
            response_ = parent.at(1).count() > 0 ? parent.at(1).at(0) : parent.at(1);
    }

    /// Methods of the response that say that it is read line by line.
    bool reads_lines() const {
        if (!response_) return false;
        for (const auto use : uses()) {
            const auto member = use.parent();
            if (!member.is("attribute") || !(member.field("object") == use)) continue;
            const auto name = member.field("attribute").text();
            if (name == "iter_lines" || name == "aiter_lines" || name == "content") {
                for (Node up = member.parent(); up; up = up.parent()) {
                    if (up.is("for_statement") && member.inside(up.field("right"))) return true;
                    if (up.is("block")) break;
                }
            }
        }
        return false;
    }

    std::vector<Node> uses() const {
        std::vector<Node> out;
        if (!response_.is("identifier")) return out;
        const auto scope = scope_of(response_);
        // Until the same name is bound anew.
        std::size_t stop = scope.end();
        for (const auto name : names_in(scope, response_.text())) {
            const auto parent = name.parent();
            const bool bound = (parent.is("assignment") && parent.field("left") == name) ||
                               parent.is("as_pattern_target");
            if (bound && name.start() > response_.end()) stop = std::min(stop, name.start());
        }
        for (const auto name : names_in(scope, response_.text()))
            if (name.start() > response_.end() && name.start() < stop) out.push_back(name);
        return out;
    }

    bool body(bool ndjson) {
        const auto arguments = call_.field("arguments");
        auto given = keyword(arguments, "json");
        Node value = given ? given.field("value") : Node();
        if (!value) {
            given = keyword(arguments, "data");
            if (!given) given = keyword(arguments, "content");
            const auto dumped = given ? given.field("value") : Node();
            if (dumped.is("call") && dumped.field("function").text() == "json.dumps") {
                value = dumped.field("arguments").at(0);
                typed_json(arguments);
            }
        }
        if (!value && arguments.count() > 1 &&
            (arguments.at(1).is("dictionary") || arguments.at(1).is("identifier")))
            value = arguments.at(1);
        if (!value) return fail(call_, "sends a body that cannot be seen here");
        const auto dictionary = value.is("identifier") ? literal(value) : value;
        if (!dictionary.is("dictionary")) return fail(value, "the body comes from elsewhere");
        Request request(*this);
        if (dual_) request.model_through("ai_client.model");
        return request.body(dictionary, endpoint_, ndjson);
    }

    /// Ollama asked for no content type; OpenAI's servers do. `json=` says it by itself.
    void typed_json(Node arguments) {
        const auto headers = keyword(arguments, "headers");
        if (!headers) {
            const auto last = arguments.at(arguments.count() - 1);
            group_.edit(file_, last.end(), last.end(),
                        ", headers={\"Content-Type\": \"application/json\"}", 108);
            return;
        }
        const auto value = headers.field("value");
        if (to_lower(file_.text).find("content-type") != std::string::npos) return;
        if (value.is("dictionary"))
            group_.edit(file_, value.start() + 1, value.start() + 1,
                        std::string("\"Content-Type\": \"application/json\"") +
                            (value.count() > 0 ? ", " : ""),
                        108);
        else
            group_.note(file_, value.start(), "these headers have to say what the body is",
                        "\"Content-Type\": \"application/json\"", 108);
    }

    /// A name that is bound once to a dictionary, and otherwise only sent.
    Node literal(Node value) {
        Node found;
        for (const auto name : names_in(scope_of(value), value.text())) {
            const auto parent = name.parent();
            if (parent.is("assignment") && parent.field("left") == name) {
                if (found) return value;
                found = parent.field("right");
            } else if (parent.is("subscript") && parent.field("value") == name) {
                const auto key = string_value(parent.field("subscript"));
                static constexpr std::string_view kSame[] = {"model", "messages", "stream",
                                                             "tools"};
                if (!key || std::find(std::begin(kSame), std::end(kSame), *key) == std::end(kSame))
                    return value;
            }
        }
        return found ? found : value;
    }

    bool reading(bool ndjson) {
        Reading reading{endpoint_, false, Writing::kPythonDict, '"'};
        Replies replies(*this);
        if (!response_) {
            // requests.post(…).json()["response"]
            const auto parent = root_.parent();
            const auto json = json_call(root_);
            if (json) return replies.follow(json, reading);
            if (parent.is("expression_statement") || parent.is("attribute")) return true;
            return fail(root_, "hands the response on: who reads it is not known");
        }
        for (const auto use : uses()) {
            if (const auto json = json_call(use)) {
                if (!replies.follow(json, reading)) return false;
                continue;
            }
            const auto parent = use.parent();
            if (parent.is("attribute") && parent.field("object") == use) {
                const auto name = parent.field("attribute").text();
                if (name == "iter_lines" || name == "aiter_lines" || name == "content") {
                    if (ndjson) {
                        if (!stream(parent)) return false;
                        continue;
                    }
                    return fail(parent, "reads the bytes of the response");
                }
                static constexpr std::string_view kNeutral[] = {
                    "raise_for_status", "status_code", "status", "ok",     "text",
                    "headers",          "reason",      "close",  "aclose", "release",
                    "elapsed",          "is_success",  "aread",  "read",   "raise_for_status"};
                if (std::find(std::begin(kNeutral), std::end(kNeutral), name) != std::end(kNeutral))
                    continue;
                return fail(parent, fmt::format("reads {} of the response", name));
            }
            if (parent.is("not_operator") || parent.is("if_statement") || parent.is("with_item") ||
                parent.is("comparison_operator"))
                continue;
            if (parent.is("argument_list")) {
                const auto callee = parent.parent().field("function").text();
                if (callee == "json.load") continue;
            }
            return fail(use, "hands the response on: who reads it is not known");
        }
        return true;
    }

    /// `response.json()`
    static Node json_call(Node response) {
        const auto member = response.parent();
        if (!member.is("attribute") || !(member.field("object") == response) ||
            member.field("attribute").text() != "json")
            return {};
        const auto call = member.parent();
        return call.is("call") && call.field("function") == member ? call : Node();
    }

    /// `for line in response.iter_lines(): chunk = json.loads(line)`: lines of server-sent events.
    bool stream(Node member) {
        Node loop = member;
        while (loop && !loop.is("for_statement"))
            loop = loop.parent();
        const auto target = loop.field("left");
        if (!target.is("identifier")) return fail(loop, "unpacks the lines of the stream");
        const auto method = member.field("attribute").text();
        const bool http_x =
            method == "aiter_lines" ||
            call_.field("function").text().find("httpx") != std::string_view::npos ||
            call_.field("function").text().ends_with(".stream");
        const bool decoded =
            member.parent().text().find("decode_unicode=True") != std::string_view::npos;
        const auto lines = http_x || decoded ? Lines::kText : Lines::kBytes;
        // The one place that parses the line.
        Node parse;
        loop.field("body").walk([&](Node node) {
            if (node.is("call") && node.field("function").text().ends_with("loads") &&
                node.field("arguments").count() == 1 &&
                node.field("arguments").text().find(target.text()) != std::string_view::npos)
                parse = node;
            return !parse;
        });
        if (!parse) return fail(loop, "does not parse the lines of the stream where it reads them");
        auto statement = parse.parent();
        if (!statement.is("assignment") || !statement.field("left").is("identifier"))
            return fail(parse, "does not keep the parsed line under a name");
        const auto chunk = statement.field("left");
        const auto whole = statement.parent();  // expression_statement
        const auto argument = parse.field("arguments").at(0);
        const std::string name(target.text());
        const auto indent = indent_at(file_.text, whole.start());
        const std::string b = lines == Lines::kBytes ? "b" : "";
        group_.edit(file_, whole.start(), whole.start(),
                    fmt::format("if not {0}.startswith({1}\"data: \"):\n{2}    continue\n{2}if "
                                "{0}.strip() == {1}\"data: [DONE]\":\n{2}    break\n{2}",
                                name, b, indent),
                    109);
        // json.loads(line), json.loads(line.decode()): without the field's name.
        if (argument.text() == name)
            group_.edit(file_, argument.start(), argument.end(), name + "[6:]", 109);
        else if (argument.text() == name + ".decode()" ||
                 argument.text() == name + ".decode(\"utf-8\")" ||
                 argument.text() == name + ".decode('utf-8')")
            group_.edit(file_, argument.start(), argument.start() + name.size(), name + "[6:]",
                        109);
        else
            return fail(argument, "parses something else than the line");
        group_.edit(
            file_, whole.end(), whole.end(),
            fmt::format("\n{0}if not {1}[\"choices\"]:\n{0}    continue", indent, chunk.text()),
            109);
        Replies replies(*this);
        const Reading reading{endpoint_, true, Writing::kPythonDict, '"'};
        return replies.chunk(loop.field("body"), chunk.text(), chunk, reading);
    }

    Node call_;
    Endpoint endpoint_;
    bool dual_;
    Node root_;
    Node response_;
};

/// The call that a string with a path is an argument of, also through a name that is bound once.
Node call_of(Node text) {
    Node node = text;
    while (node.parent().is("binary_operator") || node.parent().is("concatenated_string") ||
           node.parent().is("parenthesized_expression"))
        node = node.parent();
    const auto parent = node.parent();
    if (parent.is("argument_list") && parent.parent().is("call")) {
        const auto call = parent.parent();
        if (call.field("function").text().ends_with("urljoin") ||
            call.field("function").text().ends_with("join"))
            return call_of(call);
        return call;
    }
    if (parent.is("keyword_argument") && parent.field("name").text() == "url")
        return parent.parent().parent();
    if (parent.is("assignment") && parent.field("right") == node &&
        parent.field("left").is("identifier")) {
        const auto bound = parent.field("left");
        return only_call_with(names_in(scope_of(parent), bound.text()), bound, "argument_list");
    }
    return {};
}

bool sends(Node call) {
    const auto callee = call.field("function");
    const auto name = callee.is("attribute") ? callee.field("attribute").text() : callee.text();
    return name == "post" || name == "get" || name == "stream" || name == "request";
}

}  // namespace

Groups python_http(const Workspace& workspace, const Context& context) {
    const bool dual = context.settings.step == Step::kDual;
    std::set<std::string> importing;
    std::map<std::string, std::set<std::string>> imported;
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kPython || file.form.test) continue;
        const FileFindings findings(file, context.report);
        std::optional<audit::Tree> tree;
        for (const auto& [begin, list] : findings.lines()) {
            if (!findings.has(begin, 103)) continue;
            if (!tree) tree = audit::Tree::parse(Language::kPython, file.text);
            if (!tree) break;
            const auto line = line_around(file.text, begin);
            const auto native = audit::find_native_path(line);
            if (!native) continue;
            const Range place{begin + native->begin, begin + native->end};
            const auto endpoint =
                endpoint_of_path(line.substr(native->begin, native->end - native->begin));
            Node text;
            root_of(*tree).walk([&](Node node) {
                if (node.start() > place.begin || node.end() < place.end) return false;
                if (node.is("string")) text = node;
                return true;
            });
            if (!text) continue;
            const auto call = call_of(text);
            Group told;
            told.rule = 103;
            if (!endpoint) {
                told.note(file, place.begin, "a call that has no counterpart in OpenAI's API",
                          "models are chosen when vLLM starts; ask the person who runs it");
                groups.push_back(std::move(told));
                continue;
            }
            if (!call || !sends(call)) {
                told.note(file, place.begin,
                          "a path of Ollama's API whose request cannot be seen here",
                          std::string(path_of(*endpoint)));
                groups.push_back(std::move(told));
                continue;
            }
            Call request(file, call, *endpoint, dual);
            if (request.run(place, text)) {
                import_wanted(request, root_of(*tree), imported[path]);
                groups.push_back(request.take());
                if (dual && importing.insert(path).second &&
                    file.text.find("ai_client") == std::string::npos) {
                    const auto root = root_of(*tree);
                    const auto at = after_imports(root);
                    groups.back().edit(file, at, at,
                                       (at == 0 ? "" : "\n") +
                                           python_module(workspace, path).import_line +
                                           (at == 0 ? "\n" : ""),
                                       101);
                }
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
