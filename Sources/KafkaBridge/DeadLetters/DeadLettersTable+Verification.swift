import EventSourcing
import Postgres

extension DeadLettersTable {
    /// Of the positions those that are set aside or given up: position, state.
    func setAside(_ consumer: String, _ positions: [Int64]) -> BoundStatement {
        let sql = """
            SELECT global_position, state FROM \(table.sql)
            WHERE consumer_name = $1 AND global_position = ANY($2) AND state IN ('parked', 'redriving', 'discarded')
            """
        return BoundStatement(Statement(name: "dead_letters_set_aside", sql: sql), [consumer, positions])
    }
}
