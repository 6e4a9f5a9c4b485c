import type { PipelineAlertsConfig } from '../config.ts';
import { knownChannels } from './channels.ts';
import { readDuration } from './duration.ts';
import type { Findings } from './findings.ts';
import { type Layer, layered } from './layer.ts';
import type { RawConfig, RawPipelineAlerts } from './raw.ts';

/** The limits of a pipeline, key by key with those of `defaults` behind them; `null` takes one away. */
export function readPipelineAlerts(
  own: RawPipelineAlerts | undefined,
  pointer: string,
  raw: RawConfig,
  findings: Findings,
): PipelineAlertsConfig {
  const layer = layered<RawPipelineAlerts>(findings, { value: own, pointer }, { value: raw.defaults?.alerts, pointer: '/defaults/alerts' });
  const limit = (key: 'lateAfter' | 'freshness' | 'heldFor'): number | undefined => {
    const text = layer.get(key);
    if (text === undefined || text === null) return undefined;
    if (/^0+\D/.test(text))
      findings.on(layer.pointer(key), 'value', {
        code: 'config.value',
        message: 'a limit of no time is always exceeded',
        hint: 'Write a duration such as `15m`, or `null` for no limit.',
      });
    return readDuration(text, layer.pointer(key), findings);
  };
  return {
    lateAfterMs: limit('lateAfter'),
    freshnessMs: limit('freshness'),
    to: readTo(layer, raw, findings),
    heldForMs: layer.get('heldFor') === undefined ? 'maxHold' : limit('heldFor'),
  };
}

/** All channels, where none are named. */
function readTo(layer: Layer<RawPipelineAlerts>, raw: RawConfig, findings: Findings): readonly string[] {
  const named = layer.get('to');
  return named === undefined ? Object.keys(raw.alerts?.channels ?? {}) : knownChannels(named, layer.pointer('to'), raw, findings);
}
