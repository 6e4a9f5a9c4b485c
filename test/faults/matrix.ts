import { type Effect, effects } from '../../engine/base/effect.ts';
import type { LakeKind } from './place.ts';
import type { PipelineName } from './project.ts';

/** One place where a run is struck. */
export interface Cell {
  readonly effect: Effect;
  readonly when: 'before' | 'after';
  readonly mode: 'full' | 'incremental';
  readonly lake: LakeKind;
  /** Which time the effect comes in that run, from 1. */
  readonly nth: number;
}

/** Why an effect never comes in a run of that kind; undefined where it does. What is not listed here must come, and what is listed must not. */
export function neverComes({ effect, mode, nth }: Pick<Cell, 'effect' | 'mode' | 'nth'>): string | undefined {
  if (mode === 'full' && (effect === 'sink.arrivals' || effect === 'sink.merge')) return 'a full load copies straight into staging';
  if (nth > 1 && effect === 'source.snapshot') return 'all tables share one snapshot';
  if (nth > 1 && effect === 'dbt.build') return 'dbt is one node';
  return undefined;
}

/** Effects that come only when the log has grown by a hundred entries since its last checkpoint. */
export function needsLongLog(effect: Effect): boolean {
  return effect === 'lake.checkpoint' || effect === 'lake.hint';
}

/** Every effect, before and after, in both modes. */
export function allCells(lake: LakeKind, nth: number): readonly Cell[] {
  const names = Object.keys(effects) as readonly Effect[];
  return (['full', 'incremental'] as const).flatMap((mode) =>
    names.flatMap((effect) => (['before', 'after'] as const).map((when) => ({ effect, when, mode, lake, nth }))),
  );
}

/** What strikes there, for `ENGINE_FAULT`. */
export function faultOf(act: 'kill' | 'stop', { when, effect, nth }: Cell): string {
  return `${act} ${when} ${effect} ${nth}`;
}

/** The pipeline that has the effect. */
export function pipelineOf({ mode, effect }: Cell): PipelineName {
  const plain = mode === 'full' ? 'full' : 'changed';
  return effect === 'dbt.build' ? `${plain}_dbt` : plain;
}

/** A cell in words. */
export function showCell({ lake, mode, when, effect, nth }: Cell): string {
  return `${lake}, ${mode}: ${when} ${effect}${nth === 1 ? '' : ` ${nth}`}`;
}
