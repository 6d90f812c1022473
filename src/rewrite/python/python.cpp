#include "rewrite/python/python.hpp"

#include "base/text.hpp"

namespace segue::rewrite::python {

std::optional<std::string> string_value(Node node) {
    if (!node.is("string")) return std::nullopt;
    std::string out;
    for (const auto child : node.children()) {
        if (child.is("interpolation")) return std::nullopt;
        if (child.is("string_content")) out.append(child.text());
    }
    return out;
}

Node scope_of(Node node) {
    Node up = node.parent();
    while (up && !up.is("function_definition") && !up.is("module") && !up.is("lambda"))
        up = up.parent();
    return up;
}

std::vector<Node> names_in(Node scope, std::string_view name) {
    std::vector<Node> out;
    scope.walk([&](Node node) {
        if (!node.is("identifier") || node.text() != name) return true;
        const auto parent = node.parent();
        if (parent.is("attribute") && parent.field("attribute") == node) return true;
        if (parent.is("keyword_argument") && parent.field("name") == node) return true;
        out.push_back(node);
        return true;
    });
    return out;
}

Node keyword(Node arguments, std::string_view name) {
    for (const auto child : arguments.children())
        if (child.is("keyword_argument") && child.field("name").text() == name) return child;
    return {};
}

namespace {

bool is_import(Node node) {
    return node.is("import_statement") || node.is("import_from_statement") ||
           node.is("future_import_statement");
}

bool is_docstring(Node node) {
    return node.is("expression_statement") && node.count() == 1 && node.at(0).is("string");
}

}  // namespace

std::size_t after_imports(Node root) {
    std::size_t end = 0;
    for (const auto child : root.children()) {
        if (is_import(child) || (is_docstring(child) && end == 0))
            end = child.end();
        else if (!child.is("comment"))
            break;
    }
    return end;
}

std::size_t before_imports(Node root) {
    for (const auto child : root.children()) {
        if (child.is("comment") || is_docstring(child) || child.is("future_import_statement"))
            continue;
        return child.start();
    }
    return root.end();
}

bool imports_module(Node root, std::string_view name) {
    for (const auto child : root.children())
        if (child.is("import_statement"))
            for (const auto part : child.children())
                if (part.text() == name) return true;
    return false;
}

std::string openai_key(Attempt& attempt) {
    attempt.wants("os");
    return "os.getenv(\"VLLM_API_KEY\", \"EMPTY\")";
}

std::string openai_base(Attempt& attempt, Node value) {
    const std::string text(value.text());
    if (!value || value.is("none")) {
        attempt.wants("os");
        return "os.getenv(\"OLLAMA_HOST\", \"http://localhost:11434\") + \"/v1\"";
    }
    if (const auto literal = string_value(value)) {
        auto url = *literal;
        while (url.ends_with('/'))
            url.pop_back();
        if (url.find("://") == std::string::npos) url = "http://" + url;
        const char quote = text.back();
        return quote + url + (url.ends_with("/v1") ? "" : "/v1") + quote;
    }
    if (value.is("string")) return text.substr(0, text.size() - 1) + "/v1" + text.back();
    if (value.is("identifier") || value.is("attribute")) return "f\"{" + text + "}/v1\"";
    if (value.is("call")) {
        // getenv without a default may answer None.
        const auto callee = value.field("function").text();
        const bool reads = callee.ends_with("getenv") || callee.ends_with("environ.get");
        if (reads && value.field("arguments").count() < 2)
            return "(" + text + " or \"http://localhost:11434\") + \"/v1\"";
        return text + " + \"/v1\"";
    }
    if (value.is("subscript")) return text + " + \"/v1\"";
    return "(" + text + ") + \"/v1\"";
}

void import_wanted(Attempt& attempt, Node root, std::set<std::string>& done) {
    std::string lines;
    for (const auto& name : attempt.wanted())
        if (!imports_module(root, name) && done.insert(name).second)
            lines += "import " + name + "\n";
    if (!lines.empty()) attempt.insert(before_imports(root), lines, 101);
}

}  // namespace segue::rewrite::python
