/// The server's half of a SCRAM exchange, between the client's first and last message.
struct SCRAMExchange {
}
