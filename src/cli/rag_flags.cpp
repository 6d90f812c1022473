#include "cli/rag_flags.hpp"

namespace segue::cli {
namespace {

void add_store_flags(CLI::App& command, serve::Flags& flags) {
    add_config_flag(command, flags);
    command.add_option("--data-dir", flags.data_dir, "data folder (default: that of segue serve)");
}

void add_docs(CLI::App& app, DocsArguments& docs, Action& action) {
    auto* group = app.add_subcommand("docs", "add, follow, list and remove documents");
    group->require_subcommand(1);
    group->footer(examples({"segue docs add handbook.pdf notes/", "segue docs sync ~/wiki -C wiki",
                            "segue docs list", "segue docs remove notes/old.md"}));
    const auto add_common = [&](CLI::App& command) {
        add_store_flags(command, docs.flags);
        command
            .add_option("-C,--collection", docs.collection, "collection; made when it is not there")
            ->capture_default_str();
    };
    auto* add = group->add_subcommand("add", "read files and folders into a collection");
    add_common(*add);
    add->add_option("paths", docs.paths, "files and folders")->required();
    add->add_flag("--no-embedding", docs.no_embedding,
                  "leave the embedding to a running segue serve");
    add->footer(examples({"segue docs add handbook.pdf", "segue docs add docs/ -C handbook"}));
    add->callback([&] { action = [&](Console& c) { return docs_add_command(docs, c); }; });
    auto* sync = group->add_subcommand(
        "sync", "make a collection equal to a folder: new, changed and gone files");
    add_common(*sync);
    sync->add_option("folder", docs.paths, "the folder to follow")->required()->expected(1);
    sync->add_flag("--no-embedding", docs.no_embedding,
                   "leave the embedding to a running segue serve");
    sync->footer(examples({"segue docs sync ~/wiki --collection wiki"}));
    sync->callback([&] { action = [&](Console& c) { return docs_sync_command(docs, c); }; });
    auto* list = group->add_subcommand("list", "collections, or the documents of one");
    add_common(*list);
    list->add_flag("--all", docs.all, "the documents of every collection");
    list->footer(examples({"segue docs list", "segue docs list -C wiki --json"}));
    list->callback([&] { action = [&](Console& c) { return docs_list_command(docs, c); }; });
    auto* remove = group->add_subcommand("remove", "take documents out of a collection");
    add_common(*remove);
    remove
        ->add_option("paths", docs.paths, "as segue docs list shows them; '*' stands for anything")
        ->required();
    remove->footer(
        examples({"segue docs remove notes/old.md", "segue docs remove 'notes/*' -C wiki"}));
    remove->callback([&] { action = [&](Console& c) { return docs_remove_command(docs, c); }; });
}

void add_search(CLI::App& app, SearchArguments& search, Action& action) {
    auto* command = app.add_subcommand("search", "find passages in the documents");
    add_store_flags(*command, search.flags);
    command->add_option("question", search.query, "words or a whole question")->required();
    command->add_option("-C,--collection", search.collections,
                        "only this one; may be repeated (default: all)");
    command->add_option("--path", search.path, "only paths like this; '*' stands for anything");
    command->add_option("--type", search.types,
                        "only this type (markdown, pdf, …); may be repeated");
    command->add_option("--mode", search.mode, "hybrid, keyword or vector")
        ->check(CLI::IsMember({"hybrid", "keyword", "vector"}))
        ->capture_default_str();
    command->add_option("-n,--limit", search.limit, "how many")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    command->add_flag("--explain", search.explain, "both ranks and scores, and the words found");
    command->footer(examples({"segue search \"how do I point my application at Segue?\"",
                              "segue search upgrade --mode keyword --explain"}));
    command->callback([&] { action = [&](Console& c) { return search_command(search, c); }; });
}

}  // namespace

void add_rag(CLI::App& app, RagArguments& arguments, Action& action) {
    add_docs(app, arguments.docs, action);
    add_search(app, arguments.search, action);
    auto* group = app.add_subcommand("rag", "measure and check retrieval");
    group->require_subcommand(1);
    group->footer(examples({"segue rag eval datasets/cranfield", "segue rag check"}));
    RagEvalArguments& eval = arguments.eval;
    auto* command = group->add_subcommand(
        "eval",
        "measure retrieval on a test collection (docs.jsonl, queries.tsv, qrels.tsv, or BEIR's "
        "layout) in a scratch schema; nothing is left behind");
    add_store_flags(*command, eval.flags);
    command->add_option("dataset", eval.dataset, "folder of the collection")->required();
    command->add_option(
        "--run", eval.runs,
        "a way to search, such as 'keyword:k1=0.9,b=0.4' or 'hybrid:rrf=60'; may be "
        "repeated (default: keyword, vector, hybrid)");
    command
        ->add_option("--compare", eval.compare,
                     "two ways to search: how they differ, question by question")
        ->expected(2);
    command->add_option("--language", eval.language, "en, de or simple (default: of the documents)")
        ->check(CLI::IsMember({"en", "de", "simple"}));
    command->footer(
        examples({"segue rag eval datasets/cranfield", "segue rag eval datasets/scifact --json",
                  "segue rag eval datasets/cranfield --compare hybrid hybrid:rrf=60"}));
    command->callback([&] { action = [&](Console& c) { return rag_eval_command(eval, c); }; });
    auto* check = group->add_subcommand(
        "check",
        "tell whether the index agrees with the passages; makes it anew where it does not");
    add_store_flags(*check, arguments.docs.flags);
    check->footer(examples({"segue rag check"}));
    check->callback(
        [&] { action = [&](Console& c) { return rag_check_command(arguments.docs, c); }; });
}

}  // namespace segue::cli
