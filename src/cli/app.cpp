#include "cli/app.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/completions.hpp"
#include "cli/flags.hpp"
#include "cli/migration_flags.hpp"
#include "cli/rag_flags.hpp"
#include "rag/ingest/reader.hpp"

namespace segue::cli {
namespace {

/// All that a parse fills; the chosen subcommand reads its part.
struct Arguments {
    bool json = false;
    ServeArguments serve;
    EnginesArguments engines;
    RehearseArguments rehearse;
    KeyArguments keys;
    StoreArguments store;
    SigningArguments signing;
    MigrationArguments migration;
    RagArguments rag;
    std::string init_file = "segue.yaml";
    std::string shell;
};

void add_serve(CLI::App& app, Arguments& arguments, Action& action) {
    auto* command = app.add_subcommand("serve", "run the gateway");
    add_config_flag(*command, arguments.serve.flags);
    command->add_option("--listen", arguments.serve.flags.listen,
                        "address to listen on (default: 127.0.0.1:8484)");
    command->add_option("--workers", arguments.serve.flags.workers,
                        "threads that serve clients (default: one a core)");
    command->add_option("--data-dir", arguments.serve.flags.data_dir,
                        "folder for what must survive a restart");
    command->add_option("--port-file", arguments.serve.port_file,
                        "write the bound address there when ready");
    command->add_flag("--takeover", arguments.serve.takeover,
                      "take the listening sockets over from the segue that runs with this data "
                      "folder; it finishes what it has (starts normally when none runs)");
    command->add_flag("--no-store", arguments.serve.flags.no_store,
                      "keep nothing: create and copy of models are refused");
    command->add_flag("--insecure-no-auth", arguments.serve.flags.insecure_no_auth,
                      "listen without any key even where other machines reach it");
    command->footer(examples({"segue serve", "segue serve --config segue.yaml",
                              "segue serve --config segue.yaml --takeover",
                              "AI_BACKEND=vllm segue serve --listen 0.0.0.0:8484"}));
    command->callback([&] {
        action = [&](Console& console) { return serve_command(arguments.serve, console); };
    });
}

void add_config(CLI::App& app, Arguments& arguments, Action& action) {
    auto* group = app.add_subcommand("config", "check, show or begin a configuration");
    group->require_subcommand(1);
    group->footer(
        examples({"segue config check", "segue config show --json", "segue config init"}));
    auto* check = group->add_subcommand(
        "check", "tell whether the configuration is right: file, line and column of each mistake");
    add_config_flag(*check, arguments.serve.flags);
    check->footer(examples({"segue config check --config segue.yaml"}));
    check->callback([&] {
        action = [&](Console& console) {
            return config_check_command(arguments.serve.flags, console);
        };
    });
    auto* show = group->add_subcommand(
        "show", "print the configuration in force, with environment and defaults; keys are masked");
    add_config_flag(*show, arguments.serve.flags);
    show->footer(examples({"segue config show", "AI_BACKEND=vllm segue config show --json"}));
    show->callback([&] {
        action = [&](Console& console) {
            return config_show_command(arguments.serve.flags, console);
        };
    });
    auto* init = group->add_subcommand("init", "write a commented file to begin with");
    init->add_option("-o,--output", arguments.init_file, "file to write")->capture_default_str();
    init->footer(
        examples({"segue config init", "segue config init --output /etc/segue/segue.yaml"}));
    init->callback([&] {
        action = [&](Console& console) {
            return config_init_command(arguments.init_file, console);
        };
    });
}

void add_engines(CLI::App& app, Arguments& arguments, Action& action) {
    auto* command = app.add_subcommand(
        "engines",
        "show the engines: kind, version, health, breaker, latency, load, models; as the running "
        "gateway sees them where there is one");
    add_config_flag(*command, arguments.engines.flags);
    auto* gateway = command->add_option("--gateway", arguments.engines.gateway,
                                        "URL of the gateway to ask (default: where the "
                                        "configuration listens); SEGUE_API_KEY is its key");
    command
        ->add_flag("--direct", arguments.engines.direct,
                   "ask no gateway, only the engines themselves")
        ->excludes(gateway);
    command->footer(examples({"segue engines", "segue engines --gateway http://10.0.0.2:8484",
                              "VLLM_ENDPOINT=http://10.0.0.5:8000 segue engines --direct --json"}));
    command->callback([&] {
        action = [&](Console& console) { return engines_command(arguments.engines, console); };
    });
}

void add_signing_keys(CLI::App& keys, Arguments& arguments, Action& action) {
    SigningArguments& signing = arguments.signing;
    auto* group = keys.add_subcommand("signing", "the keys that evidence is signed with");
    group->require_subcommand(1);
    group->footer(examples(
        {"segue keys signing create --name release", "segue keys signing show > segue.pub"}));
    const auto add = [&](const char* name, const char* what,
                         int (*command)(const SigningArguments&, Console&)) {
        auto* made = group->add_subcommand(name, what);
        add_config_flag(*made, signing.flags);
        made->add_option("--data-dir", signing.flags.data_dir, "folder that holds the keys");
        made->callback([&action, &signing, command] {
            action = [&signing, command](Console& console) { return command(signing, console); };
        });
        return made;
    };
    auto* create = add("create", "make a key; prints its public half, the private one stays here",
                       signing_create_command);
    create->add_option("--name", signing.name, "whose it is, or what it is for")->required();
    create->footer(examples({"segue keys signing create --name release"}));
    add("list", "show the keys, never their private halves", signing_list_command)
        ->footer(examples({"segue keys signing list --json"}));
    auto* show = add("show", "print a public key", signing_show_command);
    show->add_option("key", signing.who, "its id or name (default: the newest)");
    show->footer(examples({"segue keys signing show release > segue.pub"}));
}

void add_keys(CLI::App& app, Arguments& arguments, Action& action) {
    KeyArguments& keys = arguments.keys;
    auto* group = app.add_subcommand("keys", "make, list and revoke the keys of clients");
    group->require_subcommand(1);
    group->footer(
        examples({"segue keys create --name chat", "segue keys list", "segue keys revoke chat"}));
    const auto add_common = [&](CLI::App& command) {
        add_config_flag(command, keys.flags);
        command.add_option("--data-dir", keys.flags.data_dir, "folder of the running gateway");
    };
    auto* create = group->add_subcommand(
        "create", "make a key and print it, once; a running gateway takes it within a second");
    add_common(*create);
    create->add_option("--name", keys.name, "what or whom it is for")->required();
    create->add_option("--model", keys.models,
                       "a model it may use, or a pattern with '*'; may be repeated (default: all)");
    const auto limit = CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000'000});
    create->add_option("--requests-per-minute", keys.requests_per_minute, "more get 429")
        ->check(limit);
    create
        ->add_option("--tokens-per-minute", keys.tokens_per_minute,
                     "prompt and answer together; more get 429")
        ->check(limit);
    create->add_option("--streams", keys.streams, "requests under way at the same time")
        ->check(limit);
    create
        ->add_option("--priority", keys.priority,
                     "batch waits behind interactive where an engine is full")
        ->check(CLI::IsMember({"interactive", "batch"}))
        ->capture_default_str();
    create->add_option("--expires", keys.expires,
                       "how long it is good, such as 12h or 30d (default: for ever)");
    create->footer(examples({"segue keys create --name chat",
                             "segue keys create --name nightly --priority batch --model 'llama3*' "
                             "--requests-per-minute 60 --expires 30d"}));
    create->callback(
        [&] { action = [&](Console& console) { return keys_create_command(keys, console); }; });
    auto* list = group->add_subcommand("list", "show the keys, never their secrets");
    add_common(*list);
    list->add_flag("--all", keys.all, "revoked ones too");
    list->footer(examples({"segue keys list", "segue keys list --all --json"}));
    list->callback(
        [&] { action = [&](Console& console) { return keys_list_command(keys, console); }; });
    auto* revoke =
        group->add_subcommand("revoke", "end a key; a running gateway refuses it within a second");
    add_common(*revoke);
    revoke->add_option("key", keys.who, "its id or name")->required();
    revoke->footer(examples({"segue keys revoke 1a2b3c4d", "segue keys revoke nightly"}));
    revoke->callback(
        [&] { action = [&](Console& console) { return keys_revoke_command(keys, console); }; });
    add_signing_keys(*group, arguments, action);
}

void add_rehearse(CLI::App& app, Arguments& arguments, Action& action) {
    auto* group = app.add_subcommand("rehearse", "stand-ins to try things with");
    group->require_subcommand(1);
    group->footer(examples({"segue rehearse engine --dialect vllm"}));
    auto* command = group->add_subcommand(
        "engine",
        "run a rehearsal engine: the wire of Ollama or vLLM, scripted answers, latency and faults");
    RehearseArguments& rehearse = arguments.rehearse;
    command->add_option("--dialect", rehearse.dialect, "ollama or vllm")
        ->check(CLI::IsMember({"ollama", "vllm", "openai"}))
        ->capture_default_str();
    command
        ->add_option("--listen", rehearse.address, "address to listen on; port 0 takes a free one")
        ->capture_default_str();
    command
        ->add_option_function<int>(
            "--port", [&](int port) { rehearse.address = fmt::format("127.0.0.1:{}", port); },
            "the same as --listen 127.0.0.1:PORT")
        ->check(CLI::Range(0, 65535));
    command->add_option("--port-file", rehearse.port_file,
                        "write the bound address there when ready");
    command->add_option("--model", rehearse.models, "model names to serve (default: rehearsal)");
    command->add_option("--skill", rehearse.skill, "a built-in script of answers: tiny");
    command->add_option("--api-key", rehearse.api_key, "ask for this key, as vLLM does");
    command->add_option("--faults", rehearse.faults, "faults from the start, as JSON");
    command->add_option("--seed", rehearse.seed, "the same seed gives the same answers and delays")
        ->capture_default_str();
    command->add_option("--first-token-ms", rehearse.first_token_ms, "time to the first token");
    command->add_option("--tokens-per-second", rehearse.tokens_per_second,
                        "speed of one answer when it is alone");
    command->add_option("--slots", rehearse.slots, "answers made at the same time; more wait");
    command->add_option("--max-model-len", rehearse.max_model_len,
                        "length of the context in tokens");
    command->add_flag("--embeddings", rehearse.embeddings,
                      "serve embeddings whatever the skill says");
    command->add_flag("--no-embeddings", rehearse.no_embeddings, "serve a generating model only");
    command->add_flag("--development-routes", rehearse.development_routes,
                      "vLLM's sleep and wake_up");
    command->add_flag("--no-latency", rehearse.no_latency, "answer at once");
    command->footer(examples(
        {"segue rehearse engine --dialect vllm --port 8000",
         "segue rehearse engine --dialect ollama --model llama3.1:8b --tokens-per-second 20",
         "segue rehearse engine --faults '{\"drop_after\":3}'"}));
    command->callback([&] {
        action = [&](Console& console) { return rehearse_engine_command(rehearse, console); };
    });
}

void add_store(CLI::App& app, Arguments& arguments, Action& action) {
    StoreArguments& store = arguments.store;
    auto* group = app.add_subcommand(
        "store", "look at the database that people, documents and conversations are kept in");
    group->require_subcommand(1);
    group->footer(examples({"segue store status", "segue store check --json", "segue store psql"}));
    const auto add = [&](const char* name, const char* what, auto command, const char* example) {
        auto* sub = group->add_subcommand(name, what);
        add_config_flag(*sub, store.flags);
        sub->add_option("--data-dir", store.flags.data_dir, "folder of the private database");
        sub->footer(examples({example}));
        sub->callback([&action, &store, command] {
            action = [&store, command](Console& console) { return command(store, console); };
        });
        return sub;
    };
    add("status", "where it is, which server, its schema and size", store_status_command,
        "segue store status --json");
    add("migrate", "bring the schema to this version, and list what was applied",
        store_migrate_command, "DATABASE_URL=postgresql://db.example/segue segue store migrate");
    add("check", "tell whether server, schema and indexes are in order", store_check_command,
        "segue store check");
    auto* psql = add("psql", "PostgreSQL's own shell, connected", store_psql_command,
                     "segue store psql -- -c 'select count(*) from person'");
    psql->add_flag("--dump", store.dump, "print the whole database as SQL instead (pg_dump)");
    psql->add_option("words", store.words, "what psql (or pg_dump) gets");
}

void add_completions(CLI::App& app, Arguments& arguments, Action& action) {
    auto* command = app.add_subcommand("completions", "print a shell's completion script");
    command->add_option("shell", arguments.shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    command->footer(examples({"segue completions bash > /etc/bash_completion.d/segue"}));
    command->callback([&] {
        action = [&](Console& console) {
            console.out << completion_script(app, arguments.shell);
            return static_cast<int>(kFine);
        };
    });
}

/// The subcommand that was meant, as deep as the words were understood.
CLI::App* deepest(CLI::App& app) {
    CLI::App* at = &app;
    while (!at->get_subcommands().empty())
        at = at->get_subcommands().front();
    return at;
}

/// "unknown flag '--lisen' of segue serve; did you mean '--listen'?"
std::string explain_unknown(CLI::App& app, int argc, char** argv) {
    CLI::App* command = deepest(app);
    std::vector<std::string> flags;
    for (const auto* option : command->get_options())
        for (const auto& name : option->get_lnames())
            flags.push_back("--" + name);
    std::vector<std::string> words;
    for (const auto* sub : command->get_subcommands([](CLI::App*) { return true; }))
        words.push_back(sub->get_name());
    for (int i = 1; i < argc; ++i) {
        std::string_view argument = argv[i];
        const bool is_flag = argument.starts_with("--");
        argument = argument.substr(0, argument.find('='));
        const auto& known = is_flag ? flags : words;
        if (std::find(known.begin(), known.end(), argument) != known.end()) continue;
        const auto extras = app.remaining(true);
        if (std::find_if(extras.begin(), extras.end(), [&](const std::string& extra) {
                return extra.starts_with(argument);
            }) == extras.end())
            continue;
        const std::vector<std::string_view> names(known.begin(), known.end());
        const auto close = nearest(argument, names);
        const std::string name = command == &app ? "segue" : "segue " + command->get_name();
        return fmt::format("unknown {} '{}' of {}{}", is_flag ? "flag" : "word", argument, name,
                           close ? fmt::format("; did you mean '{}'?", *close)
                                 : fmt::format("; see {} --help", name));
    }
    return {};
}

bool wants_colour(const Environment& environment) {
    return isatty(STDOUT_FILENO) == 1 && !environment("NO_COLOR") &&
           environment("TERM").value_or("") != "dumb";
}

}  // namespace

int run(int argc, char** argv) {
    // A parser of documents, started by Segue itself: no flags, no help.
    if (argc == 2 && std::string_view(argv[1]) == "parse-documents")
        return rag::run_parser_child(rag::ReadLimits{});
    Arguments arguments;
    Action action;
    CLI::App app{"Segue moves an AI chat system from Ollama to vLLM, and proves that it is ready.",
                 "segue"};
    app.require_subcommand(1);
    app.fallthrough();
    app.add_flag("--json", arguments.json, "print JSON");
    app.footer(examples({"segue serve", "segue engines", "segue config init",
                         "segue rehearse engine --dialect vllm"}));
    add_serve(app, arguments, action);
    add_config(app, arguments, action);
    add_engines(app, arguments, action);
    add_keys(app, arguments, action);
    add_store(app, arguments, action);
    add_rehearse(app, arguments, action);
    add_migration(app, arguments.migration, action);
    add_rag(app, arguments.rag, action);
    add_completions(app, arguments, action);
    auto* version = app.add_subcommand("version", "print the version");
    version->footer(examples({"segue version --json"}));
    version->callback([&] { action = version_command; });
    app.set_version_flag("--version", "segue " SEGUE_VERSION);

    Console console{std::cout, std::cerr, process_environment(), false, Output::kText};
    console.colour = wants_colour(console.environment);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {  // --help, --version
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        std::string message = explain_unknown(app, argc, argv);
        if (message.empty()) message = fmt::format("{}; see segue --help", error.what());
        for (int i = 1; i < argc; ++i)
            arguments.json = arguments.json || std::string_view(argv[i]) == "--json";
        console.output = arguments.json ? Output::kJson : Output::kText;
        return report(console, {Fault::kInvalid, std::move(message)});
    }
    console.output = arguments.json ? Output::kJson : Output::kText;
    return action(console);
}

}  // namespace segue::cli
