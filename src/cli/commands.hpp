/// The subcommands as plain functions: arguments in, exit code out. Flags are parsed in app.cpp,
/// the only file with CLI11.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/settings.hpp"
#include "evidence/record.hpp"
#include "serve/config.hpp"

namespace segue::audit {
struct Report;
}

namespace segue::cli {

/// DESIGN, "Errors".
enum ExitCode : int { kFine = 0, kNo = 1, kUsage = 2, kUnreachable = 3, kInternal = 4 };

enum class Output : std::uint8_t { kText, kJson };

/// Where a command writes and what it may know of its surroundings.
struct Console {
    std::ostream& out;
    std::ostream& err;
    Environment environment;
    bool colour = false;
    Output output = Output::kText;

    std::string bold(std::string_view text) const;
    std::string green(std::string_view text) const;
    std::string yellow(std::string_view text) const;
    std::string red(std::string_view text) const;
};

/// Rows of the same length, the first one a heading; columns are aligned. `paint` may colour a cell
/// that was padded already.
using Row = std::vector<std::string>;
void print_table(
    const Console& console, const std::vector<Row>& rows,
    const std::function<std::string(std::size_t column, const std::string& cell)>& paint = nullptr);

/// Says an error in the form that was asked for and answers the exit code that its fault means.
int report(const Console& console, const Error& error);

struct ServeArguments {
    serve::Flags flags;
    std::string port_file;
    bool takeover = false;
};
int serve_command(const ServeArguments& arguments, Console& console);

int config_check_command(const serve::Flags& flags, Console& console);
int config_show_command(const serve::Flags& flags, Console& console);
/// Never overwrites.
int config_init_command(const std::string& file, Console& console);

struct EnginesArguments {
    serve::Flags flags;
    std::string gateway;  // URL of a running gateway; "" = where the configuration listens
    bool direct = false;  // asks no gateway
};
int engines_command(const EnginesArguments& arguments, Console& console);

struct RehearseArguments {
    std::string dialect = "vllm";
    std::string address = "127.0.0.1:0";
    std::string port_file;
    std::vector<std::string> models;  // empty = the skill's own, else "rehearsal"
    std::string skill;
    std::string api_key;
    std::string faults;  // JSON, as POST /rehearsal/faults takes it
    std::uint64_t seed = 1;
    std::optional<double> first_token_ms;
    std::optional<double> tokens_per_second;
    std::optional<int> slots;
    std::optional<std::int64_t> max_model_len;
    bool embeddings = false;
    bool no_embeddings = false;
    bool no_latency = false;
    bool development_routes = false;
};
int rehearse_engine_command(const RehearseArguments& arguments, Console& console);

struct KeyArguments {
    serve::Flags flags;
    std::string name;
    std::vector<std::string> models;
    std::optional<std::int64_t> requests_per_minute;
    std::optional<std::int64_t> tokens_per_minute;
    std::optional<std::int64_t> streams;
    std::string priority = "interactive";
    std::string expires;  // "30d" from now; "" = never
    std::string who;      // revoke: id or name
    bool all = false;     // list: revoked ones too
};
int keys_create_command(const KeyArguments& arguments, Console& console);
int keys_list_command(const KeyArguments& arguments, Console& console);
int keys_revoke_command(const KeyArguments& arguments, Console& console);

struct StoreArguments {
    serve::Flags flags;
    bool dump = false;               // psql: pg_dump instead
    std::vector<std::string> words;  // psql: its own arguments
};
int store_status_command(const StoreArguments& arguments, Console& console);
int store_migrate_command(const StoreArguments& arguments, Console& console);
/// 1 when something is wrong.
int store_check_command(const StoreArguments& arguments, Console& console);
int store_psql_command(const StoreArguments& arguments, Console& console);

struct SigningArguments {
    serve::Flags flags;
    std::string name;  // create
    std::string who;   // show: id or name; "" = the newest
};
int signing_create_command(const SigningArguments& arguments, Console& console);
int signing_list_command(const SigningArguments& arguments, Console& console);
int signing_show_command(const SigningArguments& arguments, Console& console);

struct EvidenceArguments {
    serve::Flags flags;  // where this installation's own keys are
    std::string file;
    std::string key;   // ed25519:…, or a file that holds it; "" = own keys, else the file's
    std::string tree;  // a folder that must be the one that was looked at; "" = not compared
};
/// 0: authentic, in force, and its claim holds; 1: not so.
int evidence_verify_command(const EvidenceArguments& arguments, Console& console);
int evidence_show_command(const EvidenceArguments& arguments, Console& console);
/// Each part with its standing, for people.
void print_parts(const evidence::Record& record, Console& console);

/// `segue audit --prove`.
struct ProveArguments {
    serve::Flags flags;  // where the keys are, and where the gateway listens
    bool wanted = false;
    std::string claim = "reference-free";
    std::string gateway;
    int days = 7;
    std::vector<int> ports;
    std::vector<std::string> names;
    std::vector<std::string> ask;
    std::vector<std::string> required;
    std::string docker_socket;
    std::string watch;   // a time
    std::string sample;  // a time
    std::string check;
    std::string off_for;    // a time
    std::string valid;      // a time
    std::string sign_with;  // id or name; "" = the newest key
};

struct AuditArguments {
    std::vector<std::string> paths;
    std::string format = "text";
    std::string output;  // a file; empty = standard output
    std::string since;
    std::string baseline;
    std::string write_baseline;
    std::string fail_on = "warning";
    std::string explain;
    std::vector<std::string> kinds;
    unsigned threads = 0;
    bool no_ignore = false;
    bool all = false;
    bool stats = false;
    ProveArguments prove;
};
/// 0 clean, 1 findings, 2 usage, 3 something named could not be read.
int audit_command(const AuditArguments& arguments, Console& console);

struct RewriteArguments {
    std::vector<std::string> words;  // [plan | apply | undo] [folder]
    std::string to;
    std::string check;
    std::string report;
    std::string map;
    std::string segue;
    std::string owner;
    std::vector<std::string> only;
    bool write = false;
    bool force = false;
    bool fail_on_todo = false;

    std::string verb() const;
    std::string path() const;
};
/// 0 also with to-dos, 1 with them under --fail-on-todo or when the check got worse, 2 usage.
int rewrite_command(const RewriteArguments& arguments, Console& console);

/// What a proof needs before the tree is read.
struct PreparedProof {
    serve::Config config;
    evidence::NamedKey key;
};
Result<PreparedProof> prepare_proof(const AuditArguments& arguments, const Console& console);
/// 0 proved, 1 not; the signed record is written either way.
int prove_command(const AuditArguments& arguments, const PreparedProof& prepared,
                  const audit::Report& report_of_tree, Console& console);

/// The address to ask a gateway at that listens on `listen`; "" for a port that is not known.
std::string gateway_url(std::string_view listen);

int version_command(Console& console);

}  // namespace segue::cli
