/// The table of exactly-once delivery: under which transactional id each segment is delivered, so that its next owner can
/// end what that has left open. Its queries are with the code that delivers.
enum TransactionalSegmentsTable {
    /// `transactional_id` is NULL where a segment was released in order. `lineage` distinguishes the progress that counts from what
    /// was recorded before an operator had the consumer begin anew; NULL where nothing counts that is there already.
    static func sql(_ tables: TableNames) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(tables.godwitTable("transactional_segments").sql) (
            events_table text NOT NULL,
            consumer_name text NOT NULL,
            segment_id integer NOT NULL,
            transactional_id text,
            epoch bigint NOT NULL,
            lineage text,
            recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (events_table, consumer_name, segment_id)
        );
        """
    }
}
