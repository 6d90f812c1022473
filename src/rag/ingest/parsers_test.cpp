#include "rag/ingest/parsers.hpp"

#include <gtest/gtest.h>
#include <zip.h>

#include "rag/ingest/block_wire.hpp"

namespace segue::rag {
namespace {

using Kind = Block::Kind;

/// "# text", "text", "code: text", "table: text" a block.
std::string outline(const Result<Parsed>& parsed) {
    if (!parsed) return "error: " + parsed.error().detail;
    std::string out;
    for (const auto& block : parsed->blocks) {
        if (block.kind == Kind::kHeading)
            out += std::string(static_cast<std::size_t>(block.level), '#') + " ";
        if (block.kind == Kind::kCode) out += "code: ";
        if (block.kind == Kind::kTable) out += "table: ";
        out += block.text + "\n";
    }
    return out;
}

TEST(Markdown, KeepsItsStructureAndLines) {
    const auto parsed = parse_markdown(
        "---\ntitle: \"The guide\"\n---\n# Guide\n\nText with *stress*, `code` and [a "
        "link](http://x).\n"
        "Second line &amp; more.\n\n- one\n- two\n  - inner\n\n```sh\nsegue serve\n```\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n<div>html</div>\n");
    EXPECT_EQ(outline(parsed),
              "# Guide\nText with stress, code and a link.\nSecond line & more.\n- one\n- two\n  - "
              "inner\ncode: segue serve\n\ntable: a | b\n1 | 2\n");
    EXPECT_EQ(parsed->title, "The guide");
    EXPECT_EQ(parsed->blocks[0].place.first_line, 4);
    EXPECT_EQ(parsed->blocks[1].place.first_line, 6);
    EXPECT_EQ(parsed->blocks[1].place.last_line, 7);
    EXPECT_EQ(parsed->blocks[3].place.first_line, 14);
}

TEST(Html, ReadsTextAndLeavesOutWhatPeopleDoNotSee) {
    const auto parsed = parse_html(
        "<html><head><title>The  page</title><style>p{}</style></head><body><nav>menu</nav>"
        "<h1>Head</h1><p>Some <b>bold</b>\n text &amp; more.</p><script>alert(1)</script>"
        "<ul><li>one</li><li>two <p>inner</p></li></ul><pre>a\n  b</pre>"
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></body></html>");
    EXPECT_EQ(
        outline(parsed),
        "# Head\nSome bold text & more.\n- one\n- two \ninner\ncode: a\n  b\ntable: a | b\n1 | "
        "2\n");
    EXPECT_EQ(parsed->title, "The  page");
}

TEST(Html, NestsAsDeepAsItLikes) {
    std::string deep;
    for (int i = 0; i < 20'000; ++i)
        deep += "<div>";
    EXPECT_EQ(outline(parse_html(deep + "text")), "text\n");
}

TEST(Csv, FindsItsSeparatorAndQuotedCells) {
    EXPECT_EQ(outline(parse_csv("a;b\n1;\"x;\"\"y\"\"\nz\"\n\n2;3\n")),
              "table: a | b\n1 | x;\"y\" z\n2 | 3\n");
    EXPECT_EQ(outline(parse_csv("one\ntwo\n")), "table: one\ntwo\n");
}

TEST(Json, BecomesPathsAndValues) {
    EXPECT_EQ(outline(parse_json(R"({"a":{"b":1,"c":[1,"x"]},"d":[{"e":true}]})")),
              "code: a.b: 1\na.c: 1, x\n\ncode: d[0].e: true\n\n");
    EXPECT_EQ(outline(parse_json("{\"a\":1}\n{\"a\":2}\n")), "code: a: 1\n\ncode: a: 2\n\n");
    EXPECT_EQ(outline(parse_json("{broken")), "code: {broken\n\n");
}

TEST(Yaml, TopLevelKeysAreSections) {
    EXPECT_EQ(outline(parse_yaml("# note\na:\n  b: 1\nc: 2\n")),
              "code: # note\n\ncode: a:\n  b: 1\n\ncode: c: 2\n\n\n");
}

TEST(Email, ReadsHeadersPartsAndCharacterSets) {
    const auto parsed = parse_email(
        "From: Ann <a@x.org>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?B?5A==?=\r\n"
        "Content-Type: multipart/mixed; boundary=\"B\"\r\n\r\npreamble\r\n--B\r\n"
        "Content-Type: multipart/alternative; boundary=C\r\n\r\n--C\r\nContent-Type: text/plain; "
        "charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nStra=DFe is=\r\n "
        "long\r\n--C\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--C--\r\n--B\r\nContent-Type: "
        "application/pdf; name=\"plan.pdf\"\r\nContent-Disposition: "
        "attachment\r\n\r\nxxxx\r\n--B--\r\n");
    EXPECT_EQ(
        outline(parsed),
        "# Grüßeä\nFrom: Ann <a@x.org>\nSubject: Grüßeä\n\nStraße is long\nAttachment: plan.pdf\n");
    EXPECT_FALSE(parse_email("no headers\n"));
}

std::string zip_of(const std::vector<std::pair<std::string, std::string>>& parts) {
    zip_error_t error;
    zip_source_t* buffer = zip_source_buffer_create(nullptr, 0, 0, &error);
    zip_source_keep(buffer);
    zip_t* archive = zip_open_from_source(buffer, ZIP_TRUNCATE, &error);
    for (const auto& [name, text] : parts)
        zip_file_add(archive, name.c_str(), zip_source_buffer(archive, text.data(), text.size(), 0),
                     0);
    zip_close(archive);
    zip_source_open(buffer);
    zip_source_seek(buffer, 0, SEEK_END);
    std::string bytes(static_cast<std::size_t>(zip_source_tell(buffer)), '\0');
    zip_source_seek(buffer, 0, SEEK_SET);
    zip_source_read(buffer, bytes.data(), bytes.size());
    zip_source_close(buffer);
    zip_source_free(buffer);
    return bytes;
}

TEST(Docx, ReadsHeadingsParagraphsAndTables) {
    const auto bytes =
        zip_of({{"word/document.xml",
                 "<w:document><w:body><w:p><w:pPr><w:pStyle "
                 "w:val=\"H\"/></w:pPr><w:r><w:t>Head</w:t></w:r></w:p>"
                 "<w:p><w:r><w:t>One "
                 "</w:t></w:r><w:del><w:r><w:t>gone</w:t></w:r></w:del><w:r><w:t>two</w:t>"
                 "</w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></"
                 "w:tc><w:tc><w:p><w:r><w:t>b"
                 "</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p></"
                 "w:tc></w:tr>"
                 "</w:tbl></w:body></w:document>"},
                {"word/styles.xml",
                 "<w:styles><w:style w:styleId=\"H\"><w:name w:val=\"heading "
                 "2\"/></w:style></w:styles>"}});
    EXPECT_EQ(outline(parse_docx(bytes)), "## Head\nOne two\ntable: a | b\n1\n");
}

TEST(Office, BombsBrokenFilesAndOtherArchivesAreNamed) {
    const auto bomb =
        zip_of({{"word/document.xml", "<a>" + std::string(80U << 20U, ' ') + "</a>"}});
    const auto read = parse_docx(bomb);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().fault, Fault::kTooLarge);
    EXPECT_NE(parse_docx("PK\x03\x04 broken").error().detail.find("broken"), std::string::npos);
    const auto other = zip_of({{"a.txt", "text"}});
    EXPECT_NE(parse_docx(other).error().detail.find("no Word document"), std::string::npos);
    EXPECT_NE(parse_xlsx(other).error().detail.find("no spreadsheet"), std::string::npos);
    EXPECT_NE(parse_pptx(other).error().detail.find("no presentation"), std::string::npos);
    const auto no_xml = zip_of({{"word/document.xml", "<a><b></a>"}});
    EXPECT_NE(parse_docx(no_xml).error().detail.find("no XML"), std::string::npos);
}

TEST(Xlsx, FarCellsAreNoMillionColumns) {
    const auto bytes = zip_of(
        {{"xl/workbook.xml",
          "<workbook><sheets><sheet name=\"S\" r:id=\"r1\"/></sheets></workbook>"},
         {"xl/_rels/workbook.xml.rels",
          "<Relationships><Relationship Id=\"r1\" "
          "Target=\"worksheets/sheet1.xml\"/></Relationships>"},
         {"xl/worksheets/sheet1.xml",
          "<worksheet><sheetData><row><c r=\"A1\" t=\"inlineStr\"><is><t>x</t></is></c><c "
          "r=\"C1\"><v>3</v></c><c r=\"ZZZZZZZZ1\"><v>4</v></c></row></sheetData></worksheet>"}});
    EXPECT_EQ(outline(parse_xlsx(bytes)), "# S\ntable: x |  | 3 | 4\n");
}

TEST(Format, NameAndContentMustAgree) {
    const auto said = [](std::string_view path, std::string_view bytes) {
        const auto format = format_of(path, bytes);
        return format ? std::string(format_name(*format)) : "error: " + format.error().detail;
    };
    EXPECT_EQ(said("a/B.MD", "# x"), "markdown");
    EXPECT_EQ(said("x.pdf", "%PDF-1.7"), "pdf");
    EXPECT_EQ(said("noname", "%PDF-1.7"), "pdf");
    EXPECT_EQ(said("Makefile", "all:"), "code");
    EXPECT_EQ(said("x.docx", "PK\x03\x04"), "docx");
    EXPECT_NE(said("x.pdf", "plain").find("content is plain text"), std::string::npos);
    EXPECT_NE(said("x.txt", "%PDF-1.7").find("content is a PDF"), std::string::npos);
    EXPECT_NE(said("x.docx", "\xD0\xCF\x11\xE0").find("encrypted"), std::string::npos);
    EXPECT_NE(said("x.md", std::string("\x7F"
                                       "ELF\0\0\0",
                                       7))
                  .find("a program"),
              std::string::npos);
    EXPECT_NE(said("x.exe", "MZ").find("does not read '.exe'"), std::string::npos);
    EXPECT_NE(said("x.txt", std::string(100, '\0')).find("binary"), std::string::npos);
}

TEST(Format, CharacterSets) {
    EXPECT_EQ(decode_text("\xEF\xBB\xBFgrün"), "grün");
    EXPECT_EQ(decode_text(std::string_view("\xFF\xFEg\0r\0\xFC\0", 8)), "grü");
    EXPECT_EQ(decode_text(std::string_view("\xFE\xFF\xD8\x3D\xDE\x00", 6)), "😀");
    EXPECT_EQ(decode_text("gr\xFCn \x80 5"), "grün € 5");
    EXPECT_EQ(decode_text("grün grün \xFF grün"), "grün grün \xEF\xBF\xBD grün");
}

TEST(Format, NothingToReadIsAnError) {
    EXPECT_EQ(parse(Format::kText, "x.txt", "").error().detail, "the file is empty");
    EXPECT_EQ(parse(Format::kText, "x.txt", " \n\n").error().detail, "the file holds no text");
}

TEST(BlockWire, AnswersAreNotBelieved) {
    Parsed parsed;
    parsed.title = "T";
    parsed.pages = 2;
    parsed.blocks = {{Kind::kTable, 0, "a\nb", {1, 2, 3}}, {Kind::kHeading, 3, "h", {}}};
    const auto back = decode_parsed(encode_parsed(parsed));
    ASSERT_TRUE(back);
    EXPECT_EQ(outline(back), outline(parsed));
    EXPECT_EQ(back->blocks[0].place, (Place{1, 2, 3}));
    const auto error = decode_parsed(encode_parsed(fail(Fault::kTooLarge, "a bomb")));
    ASSERT_FALSE(error);
    EXPECT_EQ(error.error().fault, Fault::kTooLarge);
    for (const std::string_view hostile :
         {"", "[]", "{", R"({"blocks":5})", R"({"blocks":[[9,99,-1,1e99,"x",7]]})",
          R"({"pages":-5,"blocks":[[],{},"x"]})"})
        static_cast<void>(decode_parsed(hostile));
    const auto odd = decode_parsed(R"({"blocks":[[9,99,-1,5000000000,3,"a\u0000b"]]})");
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->blocks[0].kind, Kind::kTable);
    EXPECT_EQ(odd->blocks[0].level, 6);
    EXPECT_EQ(odd->blocks[0].text, "a b");
}

}  // namespace
}  // namespace segue::rag
