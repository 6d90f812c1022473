/// One attempt to move something of a file as a whole: the edits so far, or why it stays and where
/// that shows. Parts of it (a request, the readings of a reply) share the attempt of their whole.
/// Lives for one pass over one file.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "rewrite/core/node.hpp"
#include "rewrite/core/workspace.hpp"

namespace segue::rewrite {

class Attempt {
public:
    Attempt(const File& file, int rule, std::string what) : file_(file) {
        group_.rule = rule;
        group_.what = std::move(what);
    }

    const File& file() const { return file_; }
    Group& group() { return group_; }
    /// The edits, once nothing failed.
    Group take() { return std::move(group_); }
    bool fine() const { return why_.empty(); }
    const std::string& why() const { return why_; }
    std::size_t where() const { return where_; }
    /// The first reason counts. Answers false, so that it can be returned.
    bool fail(std::size_t at, std::string why) {
        if (why_.empty()) {
            why_ = std::move(why);
            where_ = at;
        }
        return false;
    }
    bool fail(Node at, std::string why) { return fail(at.start(), std::move(why)); }

    /// A module of the language's own library that what is written needs.
    void wants(std::string module) { wanted_.insert(std::move(module)); }
    const std::set<std::string>& wanted() const { return wanted_; }

    void replace(Node node, std::string text, int rule) {
        group_.edit(file_, node.start(), node.end(), std::move(text), rule);
    }
    void insert(std::size_t at, std::string text, int rule) {
        group_.edit(file_, at, at, std::move(text), rule);
    }

protected:
    const File& file_;
    Group group_;

private:
    std::string why_;
    std::size_t where_ = 0;
    std::set<std::string> wanted_;
};

/// A part of somebody else's attempt.
class AttemptPart {
protected:
    explicit AttemptPart(Attempt& attempt)
        : attempt_(attempt), file_(attempt.file()), group_(attempt.group()) {}
    bool fail(Node at, std::string why) { return attempt_.fail(at, std::move(why)); }

    Attempt& attempt_;
    const File& file_;
    Group& group_;
};

}  // namespace segue::rewrite
