/// Which names of a script hold a client of the `ollama` package, and which come from the package
/// itself; also clients that another module of the project hands out. Lives as long as the tree.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rewrite/script/script.hpp"

namespace segue::rewrite::script {

/// Names of clients; "make()" is a function that makes one, "default" what the module is.
using Names = std::set<std::string, std::less<>>;
/// By path, without its ending.
using Modules = std::map<std::string, Names, std::less<>>;

/// "src/llm.ts" → "src/llm".
std::string without_ending(std::string_view path);

class Clients {
public:
    Clients(Node root, const std::string& path, const Modules& modules);

    Names exports() const;
    /// Statements that import the package.
    const std::vector<Node>& imports() const { return imports_; }
    /// Modules of the project whose clients are used here.
    const std::set<std::string>& foreign() const { return foreign_; }
    /// Where the package is brought in as a name space, which is not followed.
    Node name_space() const { return name_space_; }
    bool browser() const { return browser_; }
    bool common_js() const { return common_js_; }
    /// What the file calls a thing of the package; the package's name where it does not.
    std::string alias_of(std::string_view name) const;
    bool brings(std::string_view name) const;

    /// "default", "Ollama", "Message", … when the node names something of the package.
    std::string package_name(Node node) const;
    bool is_client(Node node) const;
    bool is_bound(std::string_view text) const { return clients_.contains(text); }

private:
    void import_statement(Node node);
    void from_module(Node node, const std::string& path);
    void required(Node declarator);
    void find(Node node);
    bool makes_client(Node node) const;

    Node root_;
    const std::string& path_;
    const Modules& modules_;
    std::vector<Node> imports_;
    std::string default_name_;
    std::map<std::string, std::string, std::less<>> names_;
    Names clients_;
    Names makers_;
    std::set<std::string> foreign_;
    Node name_space_;
    bool browser_ = false;
    bool common_js_ = false;
};

}  // namespace segue::rewrite::script
