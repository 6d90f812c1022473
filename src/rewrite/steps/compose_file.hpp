/// The compose files of a tree: which services run Ollama, which only help it, which file is home
/// to the server. Made once a stage; points into the workspace.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "rewrite/core/yaml_lines.hpp"
#include "rewrite/steps/models_used.hpp"

namespace segue::rewrite {

class ComposeFile {
public:
    explicit ComposeFile(const File& file) : file_(&file), yaml_(file.text) {}

    const File& file() const { return *file_; }
    const YamlLines& yaml() const { return yaml_; }
    const YamlLine& line(int i) const { return yaml_.lines()[static_cast<std::size_t>(i)]; }
    std::vector<int> services() const;
    /// Blocks at the top that services merge ("x-llm: &llm").
    std::vector<int> anchors() const;
    /// The block itself names an image of Ollama's.
    bool runs_ollama(int block) const;
    /// Or merges such an anchor.
    bool runs_ollama_or_anchor(int block) const;
    /// An image that is not built here: its environment names are another product's.
    bool is_foreign(int block) const;

private:
    const File* file_;
    YamlLines yaml_;
};

struct ComposeTree {
    ComposeTree(const Workspace& workspace, const Context& context);

    std::vector<ComposeFile> files;
    std::set<std::string> servers;
    std::set<std::string> helpers;  // pull models, then end
    std::set<std::string> choices;  // CPU, AMD
    std::set<std::string> gpu_elsewhere;
    std::set<std::string> interpolated;  // ${NAME…} in some compose file
    std::string home;                    // the file that gets Segue
    bool segue = false;                  // Segue will stand before the servers
    bool has_segue_yaml = false;
    mutable bool needs_volume = false;
    std::vector<UsedModel> models;
    std::map<std::string, std::size_t> model_of_service;
    struct Extra {
        std::string name;
        std::size_t model = 0;
    };
    std::vector<Extra> extra;  // further servers, one a model
    std::uint32_t context = 0;
    std::string port;
};

}  // namespace segue::rewrite
