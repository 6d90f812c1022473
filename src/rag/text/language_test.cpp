#include "rag/text/language.hpp"

#include <gtest/gtest.h>

namespace segue::rag {
namespace {

TEST(Language, TellsTheLanguagesItStems) {
    EXPECT_EQ(language_of("Set the address of the gateway in your application."), "en");
    EXPECT_EQ(language_of("Die Adresse des Gateways wird in der Anwendung gesetzt."), "de");
    EXPECT_EQ(language_of("ゲートウェイのアドレスをアプリケーションに設定します。"), "simple");
    EXPECT_EQ(language_of("Адрес шлюза задаётся в приложении."), "simple");
    EXPECT_EQ(language_of("heat flux boundary layer"), "en");
    EXPECT_EQ(language_of(""), "en");
}

TEST(Language, PairsOfCharactersWithoutSpaces) {
    EXPECT_EQ(split_words("東京都"), " 東京 京都  ");
    EXPECT_EQ(split_words("GPU显存不足!"), "GPU 显存 存不 不足  !");
    EXPECT_EQ(split_words("猫"), " 猫 ");
    EXPECT_EQ(split_words("plain text"), "plain text");
    EXPECT_EQ(split_words(std::string_view("a\0b\xFF", 4)), "a b ");
    EXPECT_TRUE(has_unspaced_script("a東"));
    EXPECT_FALSE(has_unspaced_script("한국어 text"));
}

}  // namespace
}  // namespace segue::rag
