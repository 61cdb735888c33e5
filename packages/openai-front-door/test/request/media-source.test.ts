import { measureGrowth } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { documentBlock, mediaBlock } from '../../src/messages-core/media-source.ts';

describe('mediaBlock', () => {
  it.each(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])('takes %s as base64', (type) => {
    expect(mediaBlock(`data:${type};base64,AAAA`, 'p')).toEqual({ type: 'image', source: { type: 'base64', media_type: type, data: 'AAAA' } });
  });

  it('takes image/jpg, parameters and any case', () => {
    expect(mediaBlock('DATA:Image/JPG;charset=utf-8;BASE64,AAAA', 'p')).toMatchObject({ source: { media_type: 'image/jpeg' } });
  });

  it.each([
    ['data:image/png;base64,iVBO\nRw0K\r\n', 'iVBORw0K'], [' data:image/png;base64,AAAA', 'AAAA'], ['data:image/png;base64,AAA', 'AAA='], ['data:image/png;base64,AA', 'AA=='],
    ['data:image/png; base64,A A\tA=', 'AAA='], ['data:image/png;base64,ab%2Bc%2fA%3D%3d', 'ab+c/A=='], ['data:image/png;base64,AA==', 'AA=='],
  ])('takes %j, as browsers do, and writes it dense and padded', (url, data) => {
    expect(mediaBlock(url, 'p')).toEqual({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } });
  });

  it('turns a PDF in an image part into a document', () => {
    expect(mediaBlock('data:application/pdf;base64,AAAA', 'p')).toMatchObject({ type: 'document' });
  });

  it('hands an https: URL on and never fetches it (no request forgery)', () => {
    expect(mediaBlock('https://x.test/a.pdf?b', 'p')).toEqual({ type: 'image', source: { type: 'url', url: 'https://x.test/a.pdf?b' } });
  });

  it.each([
    'http://169.254.169.254/', 'file:///etc/passwd', 'ftp://x.test/a', '', 'a.png', 'https://', 'data:image/svg+xml;base64,AAAA', 'data:image/png,AAAA',
    'data:image/png;base64,', 'data:image/png;base64,AAAAA', 'data:image/png;base64,AAA=A', 'data:image/png;base64,AA=', 'data:image/png;base64,AA-_', 'data:;base64,AAAA', 'data:image/png;base64',
  ])('refuses %j', (url) => {
    expect(() => mediaBlock(url, 'p')).toThrow(expect.objectContaining({ status: 400, param: 'p' }));
  });
});

describe('documentBlock', () => {
  it('takes a PDF as data: URL, bare base64 and https: URL', () => {
    expect(documentBlock('data:application/pdf;base64,JVBERi0=', 'p')).toEqual({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } });
    expect(documentBlock('JVBERi0=', 'p')).toEqual({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } });
    expect(documentBlock('JVBE\nRi0\n', 'p')).toMatchObject({ source: { data: 'JVBERi0=' } });
    expect(documentBlock('https://x.test/a.pdf', 'p')).toEqual({ type: 'document', source: { type: 'url', url: 'https://x.test/a.pdf' } });
  });

  it('takes a plain text and an image', () => {
    expect(documentBlock(`data:text/plain;base64,${Buffer.from('Grüße').toString('base64')}`, 'p')).toEqual({ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' } });
    expect(documentBlock('data:image/png;base64,AAAA', 'p')).toMatchObject({ type: 'image' });
  });

  it.each([
    ['text/csv', 'a,b'], ['text/markdown', '# A'], ['application/json', '{"a":1}'], ['application/vnd.api+json', '{}'], ['application/xml', '<a/>'],
  ])('takes %s as the text it is', (type, text) => {
    const source = { type: 'text', media_type: 'text/plain', data: text };
    expect(documentBlock(`data:${type};base64,${Buffer.from(text).toString('base64')}`, 'p')).toEqual({ type: 'document', source });
    expect(documentBlock(`data:${type};charset=utf-8,${encodeURIComponent(text)}`, 'p')).toEqual({ type: 'document', source });
  });

  it('takes a text without a media type, in which a % that begins no escape stands for itself', () => {
    expect(documentBlock('data:,100%25 of 5% %zz %', 'p')).toMatchObject({ source: { data: '100% of 5% %zz %' } });
  });

  it.each(['data:application/pdf,JVBERi0=', 'data:text/plain,%ff', 'data:,%20', 'data:text/plain;base64,/w==', 'data:text/plain;base64,IA==', 'AAAA', 'data:application/zip;base64,AAAA', 'http://x.test/a.pdf'])('refuses %j', (data) => {
    expect(() => documentBlock(data, 'p')).toThrow(expect.objectContaining({ status: 400, param: 'p' }));
  });

  it('checks base64 in time that grows with its length', async () => {
    const check = (bytes: number) => (): void => { mediaBlock(`data:image/png;base64,${'A'.repeat(bytes)}`, 'p'); };
    expect(await measureGrowth({ small: check(16 * 1024), large: check(4 * 1024 * 1024), atMost: 2_048 })).toBeLessThan(2_048);
  });
});
