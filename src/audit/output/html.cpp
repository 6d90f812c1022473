#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "audit/output/output.hpp"
#include "audit/rules/rule.hpp"

namespace segue::audit {
namespace {

constexpr std::string_view kStyle =
    R"(:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#5b6570;--line:#d7dce1;--code:#f4f6f8;--e:#b3261e;--w:#8a5a00;--n:#00639b}
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e9ec;--soft:#9aa5b1;--line:#2d333a;--code:#1d2227;--e:#ff8a80;--w:#ffc164;--n:#7cc4ff}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;background:var(--bg);color:var(--fg)}
form{position:sticky;top:0;background:var(--bg);padding:.6rem 0;display:flex;gap:.6rem;flex-wrap:wrap;border-bottom:1px solid var(--line)}
input,select{font:inherit;padding:.3rem .5rem;background:var(--code);color:inherit;border:1px solid var(--line);border-radius:4px}
article{border:1px solid var(--line);border-radius:6px;margin:.7rem 0;padding:.6rem .8rem}
pre{background:var(--code);padding:.5rem;overflow-x:auto;margin:.4rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
mark{background:#ffe08a;color:#1b1f24}.error{color:var(--e)}.warning{color:var(--w)}.note{color:var(--n)}.soft{color:var(--soft)}
table{border-collapse:collapse}td,th{border-bottom:1px solid var(--line);padding:.2rem .8rem .2rem 0;text-align:left}h2{overflow-wrap:anywhere;font-size:1.05rem;margin:1.6rem 0 .2rem}
@media print{form{display:none}article{break-inside:avoid}})";

constexpr std::string_view kScript =
    R"(const f=document.forms[0],items=[...document.querySelectorAll('article')],files=[...document.querySelectorAll('section[data-file]')],n=document.getElementById('shown');
function apply(){const q=f.q.value.toLowerCase(),l=f.level.value,k=f.kind.value,d=f.folder.value;let c=0;
for(const a of items){const ok=(!l||a.dataset.level===l)&&(!k||a.dataset.kind===k)&&(!d||a.dataset.folder===d)&&(!q||a.textContent.toLowerCase().includes(q)||a.parentNode.dataset.file.toLowerCase().includes(q));a.hidden=!ok;if(ok)c++}
for(const s of files)s.hidden=![...s.querySelectorAll('article')].some(a=>!a.hidden);n.textContent=c+' shown'}
f.addEventListener('input',apply);f.addEventListener('submit',e=>e.preventDefault());apply();)";

std::string options(std::string_view name, std::string_view label,
                    const std::set<std::string>& values) {
    std::string out =
        fmt::format("<label>{} <select name=\"{}\"><option value=\"\">all</option>", label, name);
    for (const auto& value : values)
        out += fmt::format("<option>{}</option>", xml_escaped(value));
    return out + "</select></label>";
}

std::string code_with_mark(const Finding& f) {
    const auto at = f.token.empty() ? std::string::npos : f.snippet.find(f.token);
    if (at == std::string::npos) return xml_escaped(f.snippet);
    return xml_escaped(f.snippet.substr(0, at)) + "<mark>" + xml_escaped(f.token) + "</mark>" +
           xml_escaped(f.snippet.substr(at + f.token.size()));
}

}  // namespace

std::string xml_escaped(std::string_view text) {
    std::string out;
    for (const char c : text)
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default:
                out.push_back(static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' ? ' '
                                                                                             : c);
        }
    return out;
}

std::string to_html(const Report& report) {
    std::set<std::string> kinds;
    std::set<std::string> folders;
    std::map<std::string, std::vector<const Finding*>> files;
    std::map<int, std::size_t> counts;
    for (const auto& f : report.findings) {
        if (!f.open()) continue;
        files[f.path].push_back(&f);
        kinds.insert(std::string(find_rule(f.rule)->kind));
        folders.insert(folder_of(f.path));
        if (f.level != Level::kNote) ++counts[f.rule];
    }
    // What to do first: files with most errors.
    std::vector<std::pair<std::size_t, std::string>> order;
    for (const auto& [path, list] : files)
        order.emplace_back(
            std::count_if(list.begin(), list.end(),
                          [](const Finding* f) { return f->level == Level::kError; }),
            path);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string out =
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>segue audit</title><style>";
    out += kStyle;
    out += fmt::format(
        "</style></head><body><h1>References to Ollama</h1><p><b class=\"error\">{} errors</b>, <b "
        "class=\"warning\">{} warnings</b>, <b class=\"note\">{} notes</b> in {} files{}</p>",
        report.count(Level::kError), report.count(Level::kWarning), report.count(Level::kNote),
        report.stats.files,
        report.commit.empty()
            ? std::string()
            : " at commit <code>" + xml_escaped(report.commit.substr(0, 12)) + "</code>");
    out += "<table><tr><th>rule</th><th>kind</th><th>lines</th><th>what to do</th></tr>";
    for (const auto& [rule, count] : counts)
        out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", rule_name(rule),
                           find_rule(rule)->kind, count, xml_escaped(find_rule(rule)->how));
    out += "</table><form><label>search <input name=\"q\" type=\"search\"></label>" +
           options("level", "level", {"error", "warning", "note"}) +
           options("kind", "kind", kinds) + options("folder", "folder", folders) +
           "<output id=\"shown\"></output></form>";
    for (const auto& [errors, path] : order) {
        out += fmt::format("<section data-file=\"{0}\"><h2>{0}</h2>", xml_escaped(path));
        for (const Finding* f : files[path]) {
            const Rule* rule = find_rule(f->rule);
            out += fmt::format(
                "<article data-level=\"{0}\" data-kind=\"{1}\" data-folder=\"{2}\"><b "
                "class=\"{0}\">{0}</b> {3} {1}, line {4}: {5} <span class=\"soft\">({6}{7})</span>",
                level_name(f->level), rule->kind, xml_escaped(folder_of(f->path)),
                rule_name(f->rule), f->line, xml_escaped(f->message),
                confidence_name(f->confidence), f->outside_git ? ", outside git" : "");
            out += "<pre>" + code_with_mark(*f) + "</pre>";
            for (const auto& step : f->why)
                out += fmt::format("<div class=\"soft\">from {}:{} {}</div>",
                                   xml_escaped(step.path), step.line, xml_escaped(step.what));
            out += "</article>";
        }
        out += "</section>";
    }
    if (!report.not_read.empty()) {
        out += "<h2>Not read</h2><ul>";
        for (const auto& file : report.not_read)
            out += fmt::format("<li>{}: {}</li>", xml_escaped(file.path), xml_escaped(file.reason));
        out += "</ul>";
    }
    return out + "<script>" + std::string(kScript) + "</script></body></html>\n";
}

}  // namespace segue::audit
