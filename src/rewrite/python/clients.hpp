/// Which names of a Python file hold a client of the `ollama` package, and which come from the
/// package itself; through assignments, parameters, functions that answer with one, and clients
/// that another module of the project hands out. Lives as long as the tree.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rewrite/python/python.hpp"

namespace segue::rewrite::python {

/// Clients that a module hands out: name → asynchronous. "make()" is a function that makes one.
using Exports = std::map<std::string, bool, std::less<>>;
/// By the last part of the module's name.
using Modules = std::map<std::string, Exports, std::less<>>;

enum class ClientKind : std::uint8_t { kNone, kSync, kAsync };

class Clients {
public:
    Clients(Node root, const Modules& modules);

    Exports exports() const;
    /// Statements that import the package.
    const std::vector<Node>& imports() const { return imports_; }
    /// Modules of the project whose clients are used here.
    const std::set<std::string>& foreign() const { return foreign_; }
    bool is_package(std::string_view name) const { return packages_.contains(name); }

    /// "Client", "chat", … when the node names something of the package.
    std::string package_name(Node node) const;
    /// What an expression yields.
    ClientKind kind(Node node) const;
    /// What a name or an attribute was bound to.
    ClientKind bound(Node node) const;
    /// A function of this file that says that it takes a client.
    bool takes_client(std::string_view function) const;

private:
    void plain_import(Node statement);
    void from_import(Node statement);
    void find(Node node);
    void typed(Node name, Node type);
    void keep(Node name, ClientKind kind);

    Node root_;
    const Modules& modules_;
    std::vector<Node> imports_;
    std::set<std::string, std::less<>> packages_;  // "ollama", or its alias
    std::map<std::string, std::string, std::less<>> names_;
    std::map<std::string, bool, std::less<>> clients_;  // expression → asynchronous
    std::map<std::string, bool, std::less<>> makers_;   // functions that answer with a client
    std::set<std::string> foreign_;
};

}  // namespace segue::rewrite::python
