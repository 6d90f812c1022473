#include "rewrite/script/script.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace segue::rewrite::script {

bool is_script(Language language) {
    return language == Language::kJavaScript || language == Language::kTypeScript ||
           language == Language::kTsx || language == Language::kVue ||
           language == Language::kSvelte;
}

void parse(const File& file, Parsed& out) {
    out.language = file.language();
    out.text = script_of(file.text, out.language);
    out.tree = audit::Tree::parse(out.language, out.text);
}

std::optional<std::string> string_value(Node node) {
    if (node.is("template_string")) {
        for (const auto child : node.children())
            if (child.is("template_substitution")) return std::nullopt;
    } else if (!node.is("string")) {
        return std::nullopt;
    }
    const auto text = node.text();
    return text.size() < 2 ? std::string() : std::string(text.substr(1, text.size() - 2));
}

Node scope_of(Node node) {
    Node up = node.parent();
    while (up && !up.is("program") && !up.is("function_declaration") && !up.is("arrow_function") &&
           !up.is("method_definition") && !up.is("function_expression") &&
           !up.is("generator_function_declaration") && !up.is("generator_function"))
        up = up.parent();
    return up;
}

std::vector<Node> names_in(Node scope, std::string_view name) {
    std::vector<Node> out;
    scope.walk([&](Node node) {
        if ((node.is("identifier") || node.is("shorthand_property_identifier") ||
             node.is("shorthand_property_identifier_pattern")) &&
            node.text() == name)
            out.push_back(node);
        return true;
    });
    return out;
}

Node member(Node object, std::string_view name) {
    for (const auto child : object.children()) {
        if (child.is("pair")) {
            const auto key = child.field("key");
            const auto text =
                key.is("string") ? string_value(key).value_or("") : std::string(key.text());
            if (text == name) return child;
        } else if (child.is("shorthand_property_identifier") && child.text() == name) {
            return child;
        }
    }
    return {};
}

std::size_t after_imports(Node root) {
    std::size_t end = 0;
    for (const auto child : root.children()) {
        if (child.is("import_statement"))
            end = child.end();
        else if ((child.is("lexical_declaration") || child.is("variable_declaration")) &&
                 child.text().find("require(") != std::string_view::npos)
            end = child.end();
    }
    return end;
}

bool semicolons(std::string_view text) {
    return std::count(text.begin(), text.end(), ';') * 6 >
           std::count(text.begin(), text.end(), '\n');
}

char quote_of(std::string_view text) {
    return std::count(text.begin(), text.end(), '"') > std::count(text.begin(), text.end(), '\'')
               ? '"'
               : '\'';
}

std::string openai_key(char quote) {
    return fmt::format("process.env.VLLM_API_KEY ?? {0}EMPTY{0}", quote);
}

std::string openai_base(Node value, char quote) {
    const std::string text(value.text());
    if (!value)
        return fmt::format("`${{process.env.OLLAMA_HOST ?? {0}http://localhost:11434{0}}}/v1`",
                           quote);
    if (const auto literal = string_value(value)) {
        auto url = *literal;
        while (url.ends_with('/'))
            url.pop_back();
        if (url.find("://") == std::string::npos) url = "http://" + url;
        return text.front() + url + (url.ends_with("/v1") ? "" : "/v1") + text.front();
    }
    if (value.is("template_string")) return text.substr(0, text.size() - 1) + "/v1`";
    return "`${" + text + "}/v1`";
}

}  // namespace segue::rewrite::script
