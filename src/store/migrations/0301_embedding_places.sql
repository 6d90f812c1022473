-- How the model of stored vectors is had again, for questions, while another one fills its own
-- table: 'folder:PATH' or 'engine:NAME<tab>MODEL'; and what a question begins with.
ALTER TABLE embedding_model ADD COLUMN place text NOT NULL DEFAULT '';
ALTER TABLE embedding_model ADD COLUMN question_prefix text NOT NULL DEFAULT '';
