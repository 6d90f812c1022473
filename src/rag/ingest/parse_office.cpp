// DOCX, PPTX, XLSX: XML in a ZIP. Macros are never looked at; external references never followed.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <pugixml.hpp>

#include "base/text.hpp"
#include "rag/ingest/archive.hpp"
#include "rag/ingest/parsers.hpp"

namespace segue::rag {
namespace {

constexpr std::size_t kMostCells = 2'000'000;

/// The name without its namespace prefix.
std::string_view local(std::string_view name) {
    const auto colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}
std::string_view local(const pugi::xml_node& node) {
    return local(std::string_view(node.name()));
}

/// An attribute by its local name.
std::string_view attribute(const pugi::xml_node& node, std::string_view name) {
    for (const auto& each : node.attributes())
        if (local(std::string_view(each.name())) == name) return each.value();
    return {};
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
    for (const auto& each : node.children())
        if (local(each) == name) return each;
    return {};
}

Result<std::unique_ptr<pugi::xml_document>> read_xml(Archive& archive, const std::string& name) {
    SEGUE_TRY(text, archive.read(name));
    auto document = std::make_unique<pugi::xml_document>();
    // No DTD is read and no entity expanded but XML's own five (pugixml does neither).
    const auto parsed = document->load_buffer(text.data(), text.size(),
                                              pugi::parse_default | pugi::parse_ws_pcdata_single);
    if (!parsed)
        return fail(Fault::kInvalid, fmt::format("the file is broken: its part {} is no XML ({}); "
                                                 "save it again",
                                                 name, parsed.description()));
    return document;
}

/// Document order without recursion: files may nest as deep as they like.
template <class Visit>
void each_descendant(const pugi::xml_node& root, Visit visit) {
    pugi::xml_node node = root.first_child();
    while (node) {
        const bool into = visit(node);
        if (into && node.first_child()) {
            node = node.first_child();
            continue;
        }
        while (node && !node.next_sibling()) {
            node = node.parent();
            if (node == root) return;
        }
        if (node) node = node.next_sibling();
    }
}

/// The text of all runs (w:t, a:t) below a node; tabs and breaks as such.
std::string run_text(const pugi::xml_node& node) {
    std::string text;
    each_descendant(node, [&](const pugi::xml_node& each) {
        const auto name = local(each);
        if (name == "t") text += each.child_value();
        if (name == "tab") text += '\t';
        if (name == "br" || name == "cr") text += '\n';
        // Deleted text of tracked changes, and what field codes say.
        return name != "del" && name != "instrText" && name != "t";
    });
    return text;
}

std::string core_title(Archive& archive) {
    if (!archive.has("docProps/core.xml")) return {};
    const auto document = read_xml(archive, "docProps/core.xml");
    if (!document) return {};
    return std::string(trim(child(child(**document, "coreProperties"), "title").child_value()));
}

// --- Word ---

/// Style id → heading level.
std::map<std::string, int, std::less<>> heading_styles(Archive& archive) {
    std::map<std::string, int, std::less<>> levels;
    if (!archive.has("word/styles.xml")) return levels;
    const auto document = read_xml(archive, "word/styles.xml");
    if (!document) return levels;
    for (const auto& style : child(**document, "styles").children()) {
        if (local(style) != "style") continue;
        const std::string name = to_lower(attribute(child(style, "name"), "val"));
        int level = 0;
        if (name.starts_with("heading ") && name.size() == 9) level = name[8] - '0';
        if (name == "title") level = 1;
        const auto outline = attribute(child(child(style, "pPr"), "outlineLvl"), "val");
        if (level == 0 && outline.size() == 1 && outline[0] >= '0' && outline[0] < '6')
            level = outline[0] - '0' + 1;
        if (level >= 1 && level <= 6) levels.emplace(attribute(style, "styleId"), level);
    }
    return levels;
}

std::string table_text(const pugi::xml_node& table) {
    std::string text;
    each_descendant(table, [&](const pugi::xml_node& node) {
        if (local(node) == "tr" && !text.empty()) text += '\n';
        if (local(node) != "tc") return true;
        std::string cell = run_text(node);
        std::replace(cell.begin(), cell.end(), '\n', ' ');
        if (!text.empty() && text.back() != '\n') text += " | ";
        text += trim(cell);
        return false;
    });
    return text;
}

}  // namespace

Result<Parsed> parse_docx(std::string_view bytes) {
    SEGUE_TRY(archive, Archive::open(bytes));
    if (!archive.has("word/document.xml"))
        return fail(Fault::kInvalid,
                    "the file is a ZIP archive but no Word document; give it its "
                    "right name");
    SEGUE_TRY(document, read_xml(archive, "word/document.xml"));
    const auto styles = heading_styles(archive);
    Parsed parsed;
    parsed.title = core_title(archive);
    each_descendant(child(child(*document, "document"), "body"), [&](const pugi::xml_node& node) {
        if (local(node) == "tbl") {
            parsed.blocks.push_back({Block::Kind::kTable, 0, table_text(node), {}});
            return false;
        }
        if (local(node) != "p") return true;
        const auto properties = child(node, "pPr");
        const auto style = styles.find(attribute(child(properties, "pStyle"), "val"));
        std::string text = run_text(node);
        if (trim(text).empty()) return false;
        if (style != styles.end()) {
            parsed.blocks.push_back({Block::Kind::kHeading, style->second, std::move(text), {}});
        } else {
            if (child(properties, "numPr")) text.insert(0, "- ");
            parsed.blocks.push_back({Block::Kind::kParagraph, 0, std::move(text), {}});
        }
        return false;
    });
    return parsed;
}

Result<Parsed> parse_pptx(std::string_view bytes) {
    SEGUE_TRY(archive, Archive::open(bytes));
    if (!archive.has("ppt/presentation.xml"))
        return fail(Fault::kInvalid,
                    "the file is a ZIP archive but no presentation; give it its right name");
    Parsed parsed;
    parsed.title = core_title(archive);
    std::vector<std::pair<int, std::string>> slides;
    for (auto& name : archive.names()) {
        constexpr std::string_view kSlide = "ppt/slides/slide";
        if (!name.starts_with(kSlide) || !name.ends_with(".xml")) continue;
        int number = 0;
        std::from_chars(name.data() + kSlide.size(), name.data() + name.size(), number);
        slides.emplace_back(number, std::move(name));
    }
    std::sort(slides.begin(), slides.end());
    const auto paragraphs = [&](const pugi::xml_node& root, int page, bool find_title) {
        bool titled = !find_title;
        each_descendant(root, [&](const pugi::xml_node& node) {
            if (local(node) == "tbl") {
                parsed.blocks.push_back({Block::Kind::kTable, 0, table_text(node), {page, 0, 0}});
                return false;
            }
            if (local(node) != "txBody") return true;
            std::string text;
            for (const auto& paragraph : node.children())
                if (local(paragraph) == "p") text.append(run_text(paragraph)).append("\n");
            if (trim(text).empty()) return false;
            const auto kind =
                attribute(child(child(child(node.parent(), "nvSpPr"), "nvPr"), "ph"), "type");
            const bool title = !titled && (kind == "title" || kind == "ctrTitle");
            titled = titled || title;
            parsed.blocks.push_back({title ? Block::Kind::kHeading : Block::Kind::kParagraph,
                                     title ? 1 : 0,
                                     std::string(trim(text)),
                                     {page, 0, 0}});
            return false;
        });
    };
    int page = 0;
    for (const auto& [number, name] : slides) {
        ++page;
        SEGUE_TRY(slide, read_xml(archive, name));
        // Each slide is a section, also one without a title.
        const auto first = parsed.blocks.size();
        paragraphs(*slide, page, true);
        const auto title = std::find_if(
            parsed.blocks.begin() + static_cast<std::ptrdiff_t>(first), parsed.blocks.end(),
            [](const Block& block) { return block.kind == Block::Kind::kHeading; });
        if (title == parsed.blocks.end())
            parsed.blocks.insert(
                parsed.blocks.begin() + static_cast<std::ptrdiff_t>(first),
                {Block::Kind::kHeading, 1, fmt::format("Slide {}", page), {page, 0, 0}});
        else
            std::rotate(parsed.blocks.begin() + static_cast<std::ptrdiff_t>(first), title,
                        title + 1);
        const std::string notes = fmt::format("ppt/notesSlides/notesSlide{}.xml", number);
        if (archive.has(notes)) {
            SEGUE_TRY(read, read_xml(archive, notes));
            paragraphs(*read, page, false);
        }
    }
    parsed.pages = page;
    return parsed;
}

namespace {

/// "AB12" → 27; -1 when it is no reference.
int column_of(std::string_view reference) {
    int column = 0;
    for (const char c : reference) {
        if (c < 'A' || c > 'Z' || column > 20'000) break;
        column = column * 26 + (c - 'A' + 1);
    }
    return column - 1;
}

std::string cell_text(const pugi::xml_node& cell, const std::vector<std::string>& shared) {
    const auto type = attribute(cell, "t");
    if (type == "inlineStr") return run_text(child(cell, "is"));
    const std::string_view value = child(cell, "v").child_value();
    if (type == "s") {
        std::size_t index = 0;
        const auto read = std::from_chars(value.data(), value.data() + value.size(), index);
        return read.ec == std::errc() && index < shared.size() ? shared[index] : std::string();
    }
    if (type == "b") return value == "1" ? "true" : "false";
    return std::string(value);
}

}  // namespace

Result<Parsed> parse_xlsx(std::string_view bytes) {
    SEGUE_TRY(archive, Archive::open(bytes));
    if (!archive.has("xl/workbook.xml"))
        return fail(Fault::kInvalid,
                    "the file is a ZIP archive but no spreadsheet; give it its right name");
    std::vector<std::string> shared;
    if (archive.has("xl/sharedStrings.xml")) {
        SEGUE_TRY(strings, read_xml(archive, "xl/sharedStrings.xml"));
        for (const auto& item : child(*strings, "sst").children())
            if (local(item) == "si") shared.push_back(run_text(item));
    }
    SEGUE_TRY(workbook, read_xml(archive, "xl/workbook.xml"));
    std::map<std::string, std::string, std::less<>> targets;
    if (archive.has("xl/_rels/workbook.xml.rels")) {
        SEGUE_TRY(relations, read_xml(archive, "xl/_rels/workbook.xml.rels"));
        for (const auto& relation : child(*relations, "Relationships").children())
            targets.emplace(attribute(relation, "Id"), attribute(relation, "Target"));
    }
    Parsed parsed;
    parsed.title = core_title(archive);
    std::size_t cells = 0;
    int page = 0;
    for (const auto& sheet : child(child(*workbook, "workbook"), "sheets").children()) {
        std::string target;
        for (const auto& each : sheet.attributes())
            if (std::string_view(each.name()).ends_with(":id"))
                if (const auto found = targets.find(each.value()); found != targets.end())
                    target = found->second;
        ++page;
        if (target.starts_with("/"))
            target.erase(0, 1);
        else
            target.insert(0, "xl/");
        if (!archive.has(target)) continue;
        SEGUE_TRY(document, read_xml(archive, target));
        std::string text;
        int first = 0;
        for (const auto& row : child(child(*document, "worksheet"), "sheetData").children()) {
            std::vector<std::string> line;
            for (const auto& cell : row.children()) {
                if (++cells > kMostCells)
                    return fail(Fault::kTooLarge,
                                fmt::format("the spreadsheet has more than {} cells; split it",
                                            kMostCells));
                const int column = column_of(attribute(cell, "r"));
                std::string value = cell_text(cell, shared);
                std::replace(value.begin(), value.end(), '\n', ' ');
                // A far column alone must not make a row of a million cells.
                if (column >= 0 && column < 1024 && line.size() < static_cast<std::size_t>(column))
                    line.resize(static_cast<std::size_t>(column));
                line.push_back(std::move(value));
            }
            while (!line.empty() && line.back().empty())
                line.pop_back();
            if (line.empty()) continue;
            if (first == 0) first = 1;
            if (!text.empty()) text += '\n';
            text += join(line, " | ");
        }
        if (text.empty()) continue;
        parsed.blocks.push_back(
            {Block::Kind::kHeading, 1, std::string(attribute(sheet, "name")), {page, 0, 0}});
        parsed.blocks.push_back({Block::Kind::kTable, 0, std::move(text), {page, 0, 0}});
    }
    parsed.pages = page;
    return parsed;
}

Result<Parsed> parse_pdf_text(std::string_view text) {
    // clean_text has made spaces of form feeds, so pages are cut before (see reader.cpp).
    return parse_plain_text(text);
}

}  // namespace segue::rag
