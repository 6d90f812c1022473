/// The files of a tree in memory while steps change them one after another, and the groups of edits
/// that do it. Every stage sees the text as the stage before left it. One thread; lives for one
/// plan.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "audit/read/form.hpp"
#include "rewrite/core/edit.hpp"

namespace segue::rewrite {

using audit::Language;

/// Something that only a person can decide.
struct Todo {
    std::string path;
    std::uint32_t line = 0;  // in the result, from 1
    std::uint32_t was_line = 0;
    std::string reason;
    std::string suggestion;
    int rule = 0;
};

/// A place of the current text with the rule that wrote it.
struct Mark {
    std::size_t begin = 0;
    std::size_t end = 0;
    int rule = 0;
};

struct PendingTodo {
    std::size_t at = 0;
    std::string reason;
    std::string suggestion;
    int rule = 0;
    bool sticky = false;  // found before names changed: a later round cannot find it again
};

struct File {
    std::string path;
    std::string old_path;  // as it is on disk; empty for a new file
    std::string original;
    std::string text;
    std::string theirs;  // what people wrote: the original without what an earlier step added
    std::uint32_t mode = 0100644;
    audit::Form form;
    std::string locked;  // why nobody may edit it; empty = may be edited
    bool outside_git = false;
    bool removed = false;
    std::vector<Mark> marks;
    std::vector<PendingTodo> todos;
    std::set<std::size_t> broken;  // not used after a stage

    bool editable() const { return locked.empty() && !removed; }
    Language language() const { return form.language; }
};

/// Edits, renames and new files that happen together or not at all.
struct Group {
    std::string what;  // "rename OLLAMA_URL to VLLM_ENDPOINT": said when it has to be taken back
    int rule = 0;
    struct Placed {
        std::string path;
        Edit edit;
    };
    std::vector<Placed> edits;
    std::vector<std::pair<std::string, std::string>> renames;  // old path, new path
    std::vector<std::pair<std::string, std::string>> files;    // new path, text
    std::vector<std::string> removals;                         // paths, also of locked files
    struct Note {
        std::string path;
        std::size_t at = 0;
        std::string reason;
        std::string suggestion;
        int rule = 0;
    };
    std::vector<Note> notes;

    void edit(const File& file, std::size_t start, std::size_t end, std::string text, int by = 0) {
        edits.push_back({file.path, {start, end, std::move(text), by == 0 ? rule : by, 0}});
    }
    void note(const File& file, std::size_t at, std::string reason, std::string suggestion = {},
              int by = 0) {
        notes.push_back(
            {file.path, at, std::move(reason), std::move(suggestion), by == 0 ? rule : by});
    }
    bool empty() const {
        return edits.empty() && renames.empty() && files.empty() && removals.empty() &&
               notes.empty();
    }
};

class Workspace {
public:
    std::map<std::string, File, std::less<>> files;
    std::vector<Todo> loose;  // to-dos without a place in a file

    File* find(std::string_view path);
    /// Applies what can be applied. A group whose edits meet another's, or after which a file
    /// parses worse than before, is taken back as a whole and becomes a to-do. Answers how many
    /// groups changed something.
    std::size_t apply(std::vector<Group> groups);

private:
    std::size_t attempt(const std::vector<Group>& groups, std::set<std::size_t>& lost);
};

/// Parse errors that a grammar sees in a text; 0 where there is no grammar.
std::size_t syntax_errors(Language language, std::string_view text);
/// The script of a Vue or Svelte file with all else blanked, so that offsets stay; other texts as
/// they are. `language` becomes that of the script.
std::string script_of(std::string_view text, Language& language);

}  // namespace segue::rewrite
