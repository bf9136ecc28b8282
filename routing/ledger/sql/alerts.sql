-- Raises, alerts and their deliveries: statements by name, in the SQL that all stores share.

-- name: insert_raise
INSERT INTO raises (budget, scope, by_nusd, at, until, reason)
VALUES (:budget, :scope, :by_nusd, :at, :until, :reason);

-- name: alert_named
SELECT id FROM alerts WHERE name = :name;

-- name: insert_alert
INSERT INTO alerts (
  name, kind, at, budget, start, scope, below, threshold_nusd, limit_nusd, spent_nusd, detail
) VALUES (
  :name, :kind, :at, :budget, :start, :scope, :below, :threshold_nusd, :limit_nusd, :spent_nusd, :detail
) ON CONFLICT (name) DO NOTHING RETURNING id;

-- name: alerts_since
SELECT * FROM alerts WHERE at >= :since ORDER BY id;

-- name: deliveries_since
SELECT d.* FROM alerts AS a JOIN deliveries AS d ON d.alert = a.id
WHERE a.at >= :since ORDER BY d.alert, d.channel;

-- name: unseen_alerts
SELECT id FROM alerts WHERE seen = 0 ORDER BY id LIMIT :most;

-- name: see_alert
UPDATE alerts SET seen = 1 WHERE id = :id;

-- name: insert_delivery
INSERT INTO deliveries (alert, channel, tries, due_at, done, error) VALUES (:alert, :channel, 0, :due_at, 0, '')
ON CONFLICT (alert, channel) DO NOTHING;

-- name: due_deliveries
SELECT a.*, d.channel, d.tries FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert
WHERE d.channel = :channel AND d.done = 0 AND d.due_at <= :now ORDER BY d.alert LIMIT :most;

-- name: take_delivery
UPDATE deliveries SET tries = tries + 1, due_at = :until WHERE alert = :alert AND channel = :channel;

-- name: delivered
UPDATE deliveries SET done = 1, error = ''
WHERE channel = :channel AND alert = (SELECT id FROM alerts WHERE name = :name);

-- name: not_delivered
-- Who was too late to say so has nothing to say: another took it.
UPDATE deliveries SET error = :error, due_at = :due_at
WHERE channel = :channel AND tries = :tries AND done = 0 AND alert = (SELECT id FROM alerts WHERE name = :name);
