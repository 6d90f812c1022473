package desk;

import org.springframework.ai.ollama.OllamaChatModel;
import org.springframework.stereotype.Service;

@Service
class Desk {
    private final OllamaChatModel model;

    Desk(OllamaChatModel model) {
        this.model = model;
    }

    String ask(String question) {
        return model.call(question);
    }
}
