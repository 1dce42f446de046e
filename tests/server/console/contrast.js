// The texts on the page that are too faint to read (WCAG 2.2, success criterion 1.4.3), with their contrast.
(() => {
  const parse = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const light = (channel) => (channel <= 10.31 ? channel / 3294.6 : ((channel / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue);
  const environment = (element) => {
    for (; element; element = element.parentElement) {
      const color = parse(getComputedStyle(element).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const tones = [luminance(parse(getComputedStyle(element).color)), luminance(environment(element))];
    const contrast = (Math.max(...tones) + 0.05) / (Math.min(...tones) + 0.05);
    if (contrast < 4.5) faint.push(`${walker.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
  }
  return faint;
})();
