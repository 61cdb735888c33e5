import { defineConfig } from 'vitest/config';
import { slowConfig } from '../../vitest.shared.ts';
import { filesOfLane } from './test/slow/lanes.ts';

const { PENSTOCK_SLOW_LANE: lane } = process.env;
const files = lane === undefined ? undefined : filesOfLane(lane);

export default defineConfig(files === undefined ? slowConfig : {
  ...slowConfig,
  test: { ...slowConfig.test, include: files.include, exclude: [...slowConfig.test?.exclude ?? [], ...files.exclude] },
});
