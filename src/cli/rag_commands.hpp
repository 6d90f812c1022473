/// The subcommands about documents and retrieval; see commands.hpp.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.hpp"

namespace segue::cli {

struct DocsArguments {
    serve::Flags flags;
    std::string collection = "docs";
    std::vector<std::string> paths;
    bool no_embedding = false;  // leaves it to a running segue
    bool all = false;           // list: every collection
};
int docs_add_command(const DocsArguments& arguments, Console& console);
/// Follows folders: what is new or changed is added, what is gone is removed.
int docs_sync_command(const DocsArguments& arguments, Console& console);
int docs_list_command(const DocsArguments& arguments, Console& console);
int docs_remove_command(const DocsArguments& arguments, Console& console);

struct SearchArguments {
    serve::Flags flags;
    std::string query;
    std::vector<std::string> collections;
    std::string path;
    std::vector<std::string> types;
    std::string mode = "hybrid";
    std::size_t limit = 10;
    bool explain = false;
};
int search_command(const SearchArguments& arguments, Console& console);

struct RagEvalArguments {
    serve::Flags flags;
    std::string dataset;
    std::vector<std::string> runs;
    std::vector<std::string> compare;  // two
    std::string language;
};
int rag_eval_command(const RagEvalArguments& arguments, Console& console);
int rag_check_command(const DocsArguments& arguments, Console& console);

/// All of them.
struct RagArguments {
    DocsArguments docs;
    SearchArguments search;
    RagEvalArguments eval;
};

}  // namespace segue::cli
