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

}  // namespace segue::rewrite::python
