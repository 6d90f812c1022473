"""What the tests share: a raw HTTP client, scripted engines, a fault relay, a Segue process."""
