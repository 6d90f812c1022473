/// What the repository as a whole says: its own names, the services that run Ollama under any name,
/// the environment names that carry its address or a model, the routes that the project serves
/// itself. Filled from all files that were read, then read by the rules of any thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "audit/finding.hpp"
#include "audit/paths.hpp"
#include "audit/read/segments.hpp"
#include "audit/read/source.hpp"
#include "audit/read/token.hpp"

namespace segue::audit {

/// What makes values worth following through a file, besides what it holds itself.
enum class Follow : std::uint8_t { kNothing, kWhatReachesIt, kAll };

/// One file that was read: source, segments and tokens belong together.
struct ParsedFile {
    Source source;
    Segments segments;
    std::vector<Token> tokens;
    bool tree = false;  // a grammar parsed it
    bool outside_git = false;
    Follow follow = Follow::kNothing;
};

/// What an environment name (or another learned name) stands for.
enum class Carries : std::uint8_t { kAddress, kModel, kHost, kPort, kService, kVolume };

struct Learned {
    Carries carries = Carries::kAddress;
    FlowStep from;
};

struct Model {
    std::set<std::string> own_names;   // normalised: lower case, no separators
    std::set<std::string> data_names;  // normalised
    std::map<std::string, std::string, std::less<>> model_ids;  // tag to id, as the policy says
    std::set<std::string, std::less<>>
        defined;  // classes and functions of the project that hold the word
    Paths paths;  // of the whole tree
    std::set<std::string, std::less<>> routes;    // native paths that the project serves itself
    std::set<std::string, std::less<>> gateways;  // hosts that are Segue
    std::map<std::string, Learned, std::less<>> learned;
    std::set<std::string, std::less<>>
        ollama_services;  // compose services and k8s names that run it

    /// The first word in `name` belongs to one of the project's own names.
    bool is_own_name(std::string_view name) const;
    /// The same for the word at `at`: "Acme Ollama Desk", "acme-ollama-desk-db".
    bool own_name_covers(std::string_view line, std::size_t at) const;
    /// A dotted or slashed module that is a file of this tree.
    bool is_local_module(std::string_view module, std::string_view importer) const;
};

/// "Acme-Ollama_Desk" → "acmeollamadesk".
std::string normalised(std::string_view name);

/// The names that a manifest gives to the project.
void learn_own_names(const ParsedFile& file, Model& model);
/// False: a file of this text serves none, however it is cut.
bool may_serve_routes(std::string_view text);
/// The routes that a file serves; also of files that hold no reference.
void learn_routes(const ParsedFile& file, Model& model);
/// Services, environment names, routes, definitions.
void learn(const ParsedFile& file, Model& model);
/// Compose services that extend, merge or depend on what is known already; true when something is
/// new.
bool learn_services(const ParsedFile& file, Model& model);

}  // namespace segue::audit
